// A layer's values as bytes, stretched map by map: in the browser what the server's own process does elsewhere.

const [SMALL, LARGE] = [28, 96]; // pixels of a map's longer side: among all layers', and of the layer looked at
const [MOST_SMALL, MOST_LARGE] = [8, 256];
const MOST_IN_ALL = 1600;
const LONGEST = 512; // values of a vector

/** How many maps of each layer are shown. */
export function each(layers) {
  return Math.max(1, Math.min(MOST_SMALL, Math.floor(MOST_IN_ALL / Math.max(1, layers))));
}

/** The first maps of a layer. dims: of its values, after the batch. */
export function told({ name, kind }, dims, values, most, side = SMALL) {
  const isVector = dims.length === 1 || dims.slice(1).every((size) => size === 1);
  const [of, high, wide] = isVector ? [1, 1, values.length] : dims.length === 2 ? [1, ...dims] : [dims[0], dims.at(-2), dims.at(-1)];
  const size = values.length / of;
  const start = dims.length === 4 ? Math.floor(dims[1] / 2) * high * wide : 0; // of a volume the middle slice
  const maps = Array.from({ length: Math.min(of, most) }, (_, at) => smaller(values.subarray(at * size + start, at * size + start + high * wide), high, wide, side));
  const { height, width } = maps[0];
  const bytes = new Uint8Array(maps.length * height * width);
  const [low, top] = [[], []];
  maps.forEach((map, at) => {
    const [least, most_] = range(map.values);
    map.values.forEach((value, pixel) => (bytes[at * height * width + pixel] = most_ > least && Number.isFinite(value) ? Math.round((255 * (value - least)) / (most_ - least)) : 128));
    low.push(Number(least.toPrecision(4)));
    top.push(Number(most_.toPrecision(4)));
  });
  return { name, kind, shape: dims.join("x"), of, count: maps.length, height, width, bytes, low, high: top };
}

/** The same of the layer that is looked at. */
export function toldWhole(layer, dims, values) {
  return told(layer, dims, values, MOST_LARGE, LARGE);
}

function range(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    const sound = Number.isFinite(value) ? value : 0;
    least = Math.min(least, sound);
    most = Math.max(most, sound);
  }
  return [least, most];
}

/** A map whose longer side is at most so long, averaged; of a vector its first values. */
function smaller(values, high, wide, side) {
  if (high === 1) return { values: values.subarray(0, LONGEST), height: 1, width: Math.min(wide, LONGEST) };
  const factor = Math.max(high, wide) / side;
  if (factor <= 1) return { values, height: high, width: wide };
  const [height, width] = [Math.max(1, Math.ceil(high / factor)), Math.max(1, Math.ceil(wide / factor))];
  const found = new Float32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) found[row * width + column] = mean(values, wide, part(row, high, height), part(column, wide, width));
  }
  return { values: found, height, width };
}

function part(at, size, count) {
  return [Math.floor((at * size) / count), Math.ceil(((at + 1) * size) / count)];
}

function mean(values, wide, [top, bottom], [left, right]) {
  let sum = 0;
  for (let row = top; row < bottom; row += 1) for (let column = left; column < right; column += 1) sum += values[row * wide + column];
  return sum / ((bottom - top) * (right - left));
}
