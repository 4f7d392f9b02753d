// The window as it moves over the picture: padding and gaps to be seen, one output pixel with its sum.

import { el, svg } from "./dom.js";
import { extent, isInside, isRead, painted, readAt, result, rounded, sentence, unread, valueAt, weightAt } from "./window.js";

const LEAST_SHOWN = 9; // pixels of a side that are shown at least
const MOST_SHOWN = 16;
const BEAT = 650; // milliseconds from step to step
const WIDTH = 340;
const [LARGEST, SMALLEST, LETTERS] = [24, 4, 15]; // of a pixel's side; from the last on, numbers stand in it

export class Sliding {
  /** @param {(row: number, column: number) => void} moved */
  constructor(moved) {
    this.moved = moved;
    this.row = 0;
    this.column = 0;
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.drawing = el("div", { class: "grids" });
    this.sum = el("p", { class: "sum" });
    this.note = el("p", { class: "note" });
    this.toggle = el("button", { type: "button", onclick: () => this.play(!this.playing) });
    const step = (name, label, by) => el("button", { type: "button", "aria-label": label, title: label, onclick: () => this.by(by) }, name);
    this.whole = el(
      "div",
      { class: "sliding", tabindex: "0", role: "group", "aria-label": "The moving window; arrow keys move it, space plays", onkeydown: (event) => this.key(event) },
      this.drawing,
      this.sum,
      el("div", { class: "steps" }, step("◀", "One step back", -1), this.toggle, step("▶", "One step on", 1)),
      this.note,
    );
    this.timer = setInterval(() => this.playing && this.whole.isConnected && !document.hidden && this.advance(), BEAT);
    this.play(this.playing);
  }

  play(playing) {
    this.playing = playing;
    this.toggle.textContent = playing ? "Pause" : "Play";
  }

  /** Shows a layer's window; it stays where it is as far as it can. */
  take(window) {
    this.window = window;
    this.row = Math.min(this.row, window.rows.count - 1);
    this.column = Math.min(this.column, window.columns.count - 1);
    this.note.replaceChildren(...notes(window));
    this.draw();
  }

  // steps

  advance() {
    const { rows, columns } = this.shown;
    if (this.column < columns.last) this.to(this.row, this.column + 1);
    else this.to(this.row < rows.last ? this.row + 1 : rows.first, columns.first);
  }

  by(steps) {
    this.play(false);
    const wide = this.window.columns.count;
    const all = wide * this.window.rows.count;
    const next = (this.row * wide + this.column + steps + all) % all;
    this.to(Math.floor(next / wide), next % wide);
  }

  to(row, column) {
    this.row = Math.min(Math.max(row, 0), this.window.rows.count - 1);
    this.column = Math.min(Math.max(column, 0), this.window.columns.count - 1);
    this.draw();
  }

  key(event) {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.target !== this.whole) return;
    if (event.key === " ") this.play(!this.playing);
    else if (event.key === "Home") this.to(0, 0);
    else if (event.key === "End") this.to(this.window.rows.count - 1, this.window.columns.count - 1);
    else if (by) {
      this.play(false);
      this.to(this.row + by[0], this.column + by[1]);
    } else return;
    event.preventDefault();
  }

  // the drawing

  draw() {
    const { window } = this;
    const rows = this.along(window.rows, this.row, this.shown?.rows);
    const columns = this.along(window.columns, this.column, this.shown?.columns);
    this.shown = { rows, columns };
    const across = columns.to - columns.from + 1 + (columns.last - columns.first + 1) + 2;
    const side = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(WIDTH / across)));
    const picture = this.picture(side);
    const values = this.values(side);
    const titles = window.kind === "paint" ? ["output", "input"] : ["input", "output"];
    this.drawing.replaceChildren(figure(titles[0], picture), figure(titles[1], values));
    this.sum.textContent = window.kind === "paint" ? this.painting() : this.writtenOut();
    this.moved(this.row, this.column);
  }

  /** The pixels that are shown along a dimension, padding counted, and the steps whose windows lie among them. */
  along(axis, step, before) {
    const { kind } = this.window;
    const [least, most] = extent(axis, kind);
    const reach = readAt(axis, 0, kind).at(-1) - readAt(axis, 0, kind)[0] + 1;
    const wanted = Math.max(LEAST_SHOWN, Math.min(MOST_SHOWN, reach + 2 * Math.ceil(axis.stride)));
    const length = Math.min(most - least + 1, Math.max(wanted, reach));
    const read = readAt(axis, step, kind);
    let from = before && before.axis === axis ? before.from : least;
    if (read[0] < from) from = read[0];
    if (read.at(-1) > from + length - 1) from = read.at(-1) - length + 1;
    from = Math.min(Math.max(from, least), most - length + 1);
    const to = from + length - 1;
    const fits = (at) => readAt(axis, at, kind)[0] >= from && readAt(axis, at, kind).at(-1) <= to;
    let [first, last] = [step, step];
    while (first > 0 && fits(first - 1)) first -= 1;
    while (last < axis.count - 1 && fits(last + 1)) last += 1;
    return { axis, from, to, first, last, least, most };
  }

  picture(side) {
    const { window, shown } = this;
    const { rows, columns } = shown;
    const places = (window.kind === "spread" ? spread : painted)(window, this.row, this.column);
    const hit = new Map(places.map((place) => [`${place.row} ${place.column}`, place]));
    const cells = [];
    for (let row = rows.from; row <= rows.to; row += 1) {
      for (let column = columns.from; column <= columns.to; column += 1) {
        cells.push(...this.cell(row, column, hit.get(`${row} ${column}`), side));
      }
    }
    const [first, last] = [places[0], places.at(-1)];
    const frame = svg("rect", {
      class: "frame-of-window", x: (first.column - columns.from) * side, y: (first.row - rows.from) * side,
      width: (last.column - first.column + 1) * side, height: (last.row - first.row + 1) * side, rx: 2,
    });
    return grid(columns.to - columns.from + 1, rows.to - rows.from + 1, side, [...cells, frame], edges(shown));
  }

  cell(row, column, place, side) {
    const { window, shown } = this;
    const inside = isInside(window, { row, column });
    const [x, y] = [(column - shown.columns.from) * side, (row - shown.rows.from) * side];
    const skipped = inside && window.kind === "slide" && !(isRead(window.rows, row, "slide") && isRead(window.columns, column, "slide"));
    const kind = [inside ? "pixel" : "margin", place ? "read" : "", skipped ? "unread" : ""].filter(Boolean).join(" ");
    const found = [svg("rect", { class: kind, x: x + 0.5, y: y + 0.5, width: side - 1, height: side - 1 })];
    if (skipped) found.push(svg("path", { class: "hatch", d: `M${x + 1} ${y + side - 1}L${x + side - 1} ${y + 1}` }));
    if (side < LETTERS) return found;
    const value = window.kind === "paint" ? "" : this.written(row, column, inside);
    const mid = { x: x + side / 2, y: y + side * 0.66 };
    if (place && window.gathers === "sum" && window.kind !== "spread") {
      if (value !== "") found.push(svg("text", { class: "value", x: mid.x - side * 0.14, y: mid.y - side * 0.06, "font-size": side * 0.46 }, value));
      found.push(svg("text", { class: "weight", x: x + side - 2, y: y + side - 2.5, "font-size": side * 0.34 }, `×${rounded(place.weight)}`));
    } else if (value !== "") found.push(svg("text", { class: "value", ...mid, "font-size": side * 0.48 }, value));
    return found;
  }

  written(row, column, inside) {
    const { window } = this;
    if (inside) return String(valueAt(row, column));
    if (window.gathers === "largest") return "";
    return window.fill === "zeros" ? "0" : "";
  }

  values(side) {
    const { window, shown } = this;
    const { rows, columns } = shown;
    const cells = [];
    for (let row = rows.first; row <= rows.last; row += 1) {
      for (let column = columns.first; column <= columns.last; column += 1) {
        const here = row === this.row && column === this.column;
        const [x, y] = [(column - columns.first) * side, (row - rows.first) * side];
        const go = () => (this.play(false), this.to(row, column));
        cells.push(svg("rect", { class: here ? "answer here" : "answer", x: x + 0.5, y: y + 0.5, width: side - 1, height: side - 1, onpointerenter: go, onclick: go }));
        const number = window.kind === "paint" ? String(valueAt(row, column)) : rounded(result(window, row, column));
        if (side < LETTERS) continue;
        const size = Math.min(side * 0.46, (1.6 * side) / Math.max(number.length, 2));
        cells.push(svg("text", { class: here ? "value strong" : "value", x: x + side / 2, y: y + side * 0.66, "font-size": size }, number));
      }
    }
    const torn = { left: columns.first > 0, top: rows.first > 0, right: columns.last < columns.axis.count - 1, bottom: rows.last < rows.axis.count - 1 };
    return grid(columns.last - columns.first + 1, rows.last - rows.first + 1, side, cells, torn);
  }

  writtenOut() {
    const { window } = this;
    const more = window.gathers === "sum" && window.channels > 1 ? ` — and the same in ${window.channels - 1} more channel${window.channels > 2 ? "s" : ""}` : "";
    return `${sentence(window, this.row, this.column)}${more}${window.bias ? ", then the bias" : ""}`;
  }

  painting() {
    const value = valueAt(this.row, this.column);
    const weights = this.window.rows.kernel * this.window.columns.kernel;
    return `The input pixel ${value}, times each of ${weights} weights, is added to these output pixels: ${value}·${weightAt(0, 0)}, ${value}·${weightAt(0, 1)} …`;
  }
}

/** The pixels of a window that is chosen by the size of the output. */
function spread(window, row, column) {
  return readAt(window.rows, row, "spread").flatMap((r) => readAt(window.columns, column, "spread").map((c) => ({ row: r, column: c })));
}

/** At which sides a picture goes on. */
function edges({ rows, columns }) {
  return { left: columns.from > columns.least, top: rows.from > rows.least, right: columns.to < columns.most, bottom: rows.to < rows.most };
}

/** Pixels in rows. torn: the sides at which there are more. */
function grid(columns, rows, side, cells, torn) {
  const [width, height] = [columns * side, rows * side];
  const sides = Object.keys(torn).filter((at) => torn[at]);
  const style = sides.map((at) => `torn-${at}`).join(" ");
  return svg("svg", { class: `specc-picture grid-of-pixels ${style}`, width: width + 2, height: height + 2, viewBox: `-1 -1 ${width + 2} ${height + 2}`, "aria-hidden": "true" }, ...cells);
}

function figure(title, picture) {
  return el("figure", {}, el("figcaption", {}, title), picture);
}

/** What else is to be known of a window. */
function notes(window) {
  const { rows, columns, kind } = window;
  const found = [];
  const lost = kind === "slide" ? [unread(rows, kind), unread(columns, kind)] : [0, 0];
  if (Math.max(...lost)) {
    const [row, column] = lost;
    const what = row && column ? `${row} row${row > 1 ? "s" : ""} and ${column} column${column > 1 ? "s" : ""}` : row ? `${row} row${row > 1 ? "s" : ""}` : `${column} column${column > 1 ? "s" : ""}`;
    found.push(`Hatched: ${what} of the picture that no window reads. `);
  }
  if (kind === "slide" && (rows.before || columns.before || rows.after || columns.after)) {
    const fills = { zeros: "zeros", nothing: "no values", reflect: "the picture mirrored", replicate: "the edge repeated", circular: "the other side of the picture" };
    found.push(`Dashed: padding, ${fills[window.fill] ?? window.fill}. `);
  }
  if (kind === "paint" && (rows.before || columns.before)) found.push("Dashed: cut off by the padding. ");
  if (Math.max(rows.dilation, columns.dilation) > 1) found.push("Between the pixels that are read lie gaps: the dilation. ");
  if (window.more) found.push("One slice of the volume; the window has depth as well. ");
  found.push("The numbers are made up.");
  return found;
}
