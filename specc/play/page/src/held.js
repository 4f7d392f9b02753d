// Feature maps of a page without a server: the network of one run, in a worker of its own.

const [RED, GREEN, BLUE] = [0.299, 0.587, 0.114]; // of a colour in a grey

export class HeldNetwork {
  /** about: what was written beside the network. */
  constructor(about) {
    this.about = about;
    this.worker = null;
    this.number = 0;
  }

  /** What `specc play` would answer. canvas: the picture; text: the page's. */
  async look({ invert, layer }, canvas, text) {
    if (text !== this.about.text) return { refused: "These feature maps are those of the run's own text, and it has changed.", helps: ["Undo the change, or open the page anew."] };
    const image = this.read(canvas, invert);
    const answer = await this.ask({ about: this.about, image, layer });
    if (!answer.maps) return answer;
    const [count, height, width] = this.about.input;
    return { maps: { ...answer.maps, input: { count, height, width, bytes: Uint8Array.from(image, (value) => Math.round(255 * value)) } } };
  }

  ask(question) {
    this.worker ??= new Worker("network.js", { type: "module" });
    this.number += 1;
    const { number, worker } = this;
    return new Promise((resolve) => {
      const heard = ({ data }) => {
        if (data.number !== number) return;
        worker.removeEventListener("message", heard);
        resolve(data);
      };
      worker.addEventListener("message", heard);
      worker.postMessage({ number, ...question });
    });
  }

  /** A picture at the network's size, channels first, from 0 to 1. */
  read(canvas, invert) {
    const [channels, height, width] = this.about.input;
    const small = Object.assign(document.createElement("canvas"), { width, height });
    const brush = small.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.drawImage(halved(canvas, width, height), 0, 0, width, height);
    const { data } = brush.getImageData(0, 0, width, height);
    const found = new Float32Array(channels * height * width);
    for (let pixel = 0; pixel < height * width; pixel += 1) {
      const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
      const levels = channels === 3 ? [red, green, blue] : [RED * red + GREEN * green + BLUE * blue];
      levels.forEach((level, channel) => (found[channel * height * width + pixel] = invert ? 1 - level / 255 : level / 255));
    }
    return found;
  }
}

/** A canvas that is at most twice as large as wanted: so every pixel counts when it is scaled. */
function halved(canvas, width, height) {
  let shown = canvas;
  while (shown.width > 2 * width && shown.height > 2 * height) {
    const half = Object.assign(document.createElement("canvas"), { width: Math.ceil(shown.width / 2), height: Math.ceil(shown.height / 2) });
    half.getContext("2d").drawImage(shown, 0, 0, half.width, half.height);
    shown = half;
  }
  return shown;
}
