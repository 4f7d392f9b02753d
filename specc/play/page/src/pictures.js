// Which picture the network is shown: one that is drawn, a file, or one of a data set.

import { el } from "./dom.js";
import { Pad } from "./pad.js";

const LARGEST = 384; // pixels of a picture's longer side, as it is sent
const KINDS = { data: "Data set", draw: "Draw", file: "Picture" };

export class Pictures {
  /** @param {{ changed: () => void, notice: (text: string) => void }} tell */
  constructor(tell) {
    this.tell = tell;
    this.kind = "data";
    this.file = null;
    this.pad = new Pad(() => tell.changed());
    this.names = el("select", { id: "data-name", "aria-label": "Data set" });
    this.number = el("input", { id: "data-number", type: "number", min: 0, value: 0, "aria-label": "Number of the picture" });
    for (const one of [this.names, this.number]) one.addEventListener("change", () => tell.changed());
    this.chooser = el("input", { id: "picture-chooser", type: "file", accept: "image/*" });
    this.chooser.addEventListener("change", () => this.open(this.chooser.files[0]));
    this.whole = el("div", { class: "pictures" });
    this.buttons = new Map(Object.entries(KINDS).map(([kind, title]) => [kind, this.button(kind, title)]));
    this.parts = {
      draw: el("div", {}, this.pad.whole, el("button", { type: "button", id: "pad-clear", onclick: () => this.clear() }, "Clear"), el("p", { class: "note" }, "Draw a digit: by hand, or with the arrow keys and Space.")),
      file: el("div", { class: "drop" }, el("label", { for: "picture-chooser" }, "Choose a picture, or drop one here"), this.chooser),
      data: el("div", { class: "one-of-data" }, this.names, this.step(-1, "‹", "The picture before"), this.number, this.step(1, "›", "The next picture")),
    };
    this.whole.append(el("div", { class: "choice", role: "group", "aria-label": "Where the picture is from" }, ...this.buttons.values()), ...Object.values(this.parts));
    this.whole.addEventListener("dragover", (event) => event.preventDefault());
    this.whole.addEventListener("drop", (event) => this.dropped(event));
    this.show("data");
  }

  button(kind, title) {
    const choose = () => {
      this.show(kind);
      this.tell.changed();
    };
    return el("button", { type: "button", id: `picture-${kind}`, onclick: choose }, title);
  }

  step(by, sign, label) {
    const go = () => {
      this.number.value = Math.max(0, Number(this.number.value) + by);
      this.tell.changed();
    };
    return el("button", { type: "button", "aria-label": label, onclick: go }, sign);
  }

  /** Which data sets there are, and the one that comes first; none where only pictures can be shown. */
  offer(names, first) {
    const options = names.map((name) => el("option", { value: name, selected: name === first }, name));
    this.names.replaceChildren(...options);
    this.buttons.get("data").hidden = !names.length;
    if (!names.length) this.show("draw");
  }

  show(kind) {
    this.kind = kind;
    for (const [one, button] of this.buttons) button.setAttribute("aria-pressed", String(one === kind));
    for (const [one, part] of Object.entries(this.parts)) part.hidden = one !== kind;
  }

  clear() {
    this.pad.clear();
    this.tell.changed();
  }

  dropped(event) {
    event.preventDefault();
    this.show("file");
    void this.open(event.dataTransfer.files[0]);
  }

  async open(file) {
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) {
      this.tell.notice("That is no picture that this browser can read");
      return;
    }
    const factor = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
    const size = { width: Math.max(1, Math.round(picture.width * factor)), height: Math.max(1, Math.round(picture.height * factor)) };
    this.file = el("canvas", size);
    const brush = this.file.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.drawImage(picture, 0, 0, size.width, size.height);
    picture.close();
    this.tell.changed();
  }

  /** The canvas that holds the picture; null where it is one of a data set, or there is none yet. */
  get canvas() {
    return { draw: this.pad.canvas, file: this.file, data: null }[this.kind];
  }

  /** What is asked about it; null where there is none. */
  get asked() {
    if (this.kind === "data") return this.names.value ? { data: this.names.value, number: Math.max(0, Math.trunc(Number(this.number.value)) || 0) } : null;
    return this.canvas ? { picture: this.canvas.toDataURL("image/png").split(",")[1] } : null;
  }
}
