// A black pad on which a digit is drawn in white, by hand or by the arrow keys.

import { el } from "./dom.js";

const SIDE = 224;
const PEN = 20;
const STEP = 8; // pixels that an arrow key moves the pen
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.pen = { x: SIDE / 2, y: SIDE / 2, down: false };
    const label = "Draw here. By keyboard: the arrow keys move the pen, Space puts it down and lifts it, Delete clears.";
    this.canvas = el("canvas", { class: "pad", width: SIDE, height: SIDE, tabindex: 0, role: "img", "aria-label": label, title: label });
    this.brush = this.canvas.getContext("2d");
    this.mark = el("span", { class: "pen", hidden: true });
    this.whole = el("div", { class: "pad-frame" }, this.canvas, this.mark);
    this.clear();
    this.listen();
  }

  clear() {
    Object.assign(this.brush, { fillStyle: "#000", strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    this.brush.fillRect(0, 0, SIDE, SIDE);
    this.empty = true;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.mark.hidden = true;
      Object.assign(this.pen, this.at(event), { down: false });
      this.line(this.pen);
      this.drawing = true;
    });
    canvas.addEventListener("pointermove", (event) => this.drawing && this.line(this.at(event)));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (this.drawing = false));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => (this.mark.hidden = true));
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * SIDE) / box.width, y: ((event.clientY - box.top) * SIDE) / box.height };
  }

  /** A stroke from the pen to a place, where the pen is from then on. */
  line({ x, y }) {
    this.brush.beginPath();
    this.brush.moveTo(this.pen.x, this.pen.y);
    this.brush.lineTo(x, y);
    this.brush.stroke();
    Object.assign(this.pen, { x, y });
    this.empty = false;
    this.changed();
  }

  key(event) {
    const move = MOVES[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(move || event.key === " " || event.key === "Delete")) return;
    event.preventDefault();
    if (event.key === "Delete") {
      this.clear();
      this.changed();
    } else if (event.key === " ") this.pen.down = !this.pen.down;
    const [dx, dy] = move ?? [0, 0];
    const inside = (number) => Math.min(Math.max(number, 0), SIDE);
    const to = { x: inside(this.pen.x + dx * STEP), y: inside(this.pen.y + dy * STEP) };
    if (this.pen.down) this.line(to);
    Object.assign(this.pen, to);
    this.mark.hidden = false;
    this.mark.classList.toggle("down", this.pen.down);
    Object.assign(this.mark.style, { left: `${(100 * to.x) / SIDE}%`, top: `${(100 * to.y) / SIDE}%` });
  }
}
