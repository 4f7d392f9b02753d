// The arithmetic of a window that slides: which pixels it reads at a step, and what becomes of their values.

/** A small number for each pixel, always the same. */
export function valueAt(row, column) {
  return (row * 7 + column * 3 + ((row * column) % 5)) % 10;
}

/** A small weight for each place of a kernel, always the same. */
export function weightAt(row, column) {
  return ((row * 2 + column * 5 + 1) % 4) - 1;
}

/** The pixels along one dimension that are read at a step, those of the padding too: below 0, or from the size on. */
export function readAt(axis, step, kind) {
  if (kind === "spread") {
    const [first, last] = [Math.floor((step * axis.size) / axis.count), Math.ceil(((step + 1) * axis.size) / axis.count)];
    return Array.from({ length: last - first }, (_, at) => first + at);
  }
  const first = step * axis.stride - axis.before;
  return Array.from({ length: axis.kernel }, (_, at) => first + at * axis.dilation);
}

/** The first and the last pixel along one dimension that anything reads, padding counted. */
export function extent(axis, kind) {
  if (kind === "spread") return [0, axis.size - 1];
  const last = readAt(axis, axis.count - 1, kind).at(-1);
  return [-axis.before, Math.max(axis.size - 1 + axis.after, last)];
}

/** Whether any step reads a pixel along one dimension. */
export function isRead(axis, pixel, kind) {
  if (kind === "spread") return true;
  for (let at = 0; at < axis.kernel; at += 1) {
    const offset = pixel + axis.before - at * axis.dilation;
    if (offset >= 0 && offset % axis.stride === 0 && offset / axis.stride < axis.count) return true;
  }
  return false;
}

/** A pixel beyond the edge, as the padding fills it: the place it is copied from, or null where it is no pixel's copy. */
function copied(pixel, size, fill) {
  if (pixel >= 0 && pixel < size) return pixel;
  if (fill === "replicate") return Math.min(Math.max(pixel, 0), size - 1);
  if (fill === "circular") return ((pixel % size) + size) % size;
  if (fill === "reflect") return pixel < 0 ? -pixel : 2 * (size - 1) - pixel;
  return null;
}

/** The value that is read at a place: a number, or null where nothing is there, as beside a picture that is pooled. */
export function readValue(window, row, column) {
  const [r, c] = [copied(row, window.rows.size, window.fill), copied(column, window.columns.size, window.fill)];
  if (r !== null && c !== null) return valueAt(r, c);
  return window.gathers === "largest" ? null : 0;
}

/** What a step reads, row by row: places, values, weights. */
export function terms(window, row, column) {
  const rows = readAt(window.rows, row, window.kind);
  const columns = readAt(window.columns, column, window.kind);
  return rows.flatMap((r, i) =>
    columns.map((c, j) => ({ row: r, column: c, value: readValue(window, r, c), weight: weightAt(i, j) })),
  );
}

/** Whether a place lies in the picture. */
export function isInside(window, { row, column }) {
  return row >= 0 && row < window.rows.size && column >= 0 && column < window.columns.size;
}

/** One output value, as a number. */
export function result(window, row, column) {
  const read = terms(window, row, column);
  if (window.gathers === "sum") return read.reduce((sum, { value, weight }) => sum + value * weight, 0);
  const values = read.filter(({ value }) => value !== null);
  if (window.gathers === "largest") return Math.max(...values.map(({ value }) => value));
  return values.reduce((sum, { value }) => sum + value, 0) / meanOver(window, values);
}

function meanOver(window, values) {
  return window.counted ? values.length : Math.max(values.filter((term) => isInside(window, term)).length, 1);
}

const MOST_TERMS = 12;

/** One output value, written out. */
export function sentence(window, row, column) {
  const read = terms(window, row, column);
  const values = window.gathers === "sum" ? read : read.filter(({ value }) => value !== null);
  const shown = values.slice(0, values.length > MOST_TERMS ? MOST_TERMS - 3 : MOST_TERMS);
  const more = values.length > shown.length ? `${values.length - shown.length} more` : "";
  const answer = rounded(result(window, row, column));
  if (window.gathers === "largest") return `max(${[...shown.map(({ value }) => value), ...(more ? [`… ${more}`] : [])].join(", ")}) = ${answer}`;
  if (window.gathers === "mean") {
    const sum = [...shown.map(({ value }) => value), ...(more ? [`… ${more}`] : [])].join(" + ");
    return `(${sum}) / ${meanOver(window, values)} = ${answer}`;
  }
  const products = shown.map(({ value, weight }) => `${value}·${weight < 0 ? `(${signed(weight)})` : weight}`);
  return `${[...products, ...(more ? [`… ${more}`] : [])].join(" + ")} = ${answer}`;
}

export function rounded(number) {
  return signed(Math.round(number * 100) / 100);
}

/** A number with a minus that is as wide as a plus. */
function signed(number) {
  return String(number).replace("-", "−");
}

/** What an input pixel paints where a convolution is transposed. */
export function painted(window, row, column) {
  const rows = readAt(window.rows, row, "slide");
  const columns = readAt(window.columns, column, "slide");
  return rows.flatMap((r, i) => columns.map((c, j) => ({ row: r, column: c, weight: weightAt(i, j) })));
}

/** How many pixels along one dimension no step reads. */
export function unread(axis, kind) {
  let count = 0;
  for (let pixel = 0; pixel < Math.min(axis.size, 4096); pixel += 1) count += isRead(axis, pixel, kind) ? 0 : 1;
  return count;
}
