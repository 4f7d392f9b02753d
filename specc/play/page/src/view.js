// Which part of a picture is seen: dragging, the wheel, two fingers, keys.

const MOST = 6;
const STEP = 1.25;
const MARGIN = 12;
const FAR = 5; // pixels beyond which a press is a drag

export class View {
  constructor(pane) {
    this.pane = pane;
    this.dragged = false;
    this.fingers = new Map();
    this.kind = null;
    pane.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    pane.addEventListener("pointerdown", (event) => this.down(event));
    pane.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) pane.addEventListener(kind, (event) => this.up(event));
    pane.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resized()).observe(pane);
  }

  /** A new drawing. What is seen stays where it is, unless the picture is of another kind. */
  take(drawing, size, kind, readable) {
    this.drawing = drawing;
    this.size = size;
    this.readable = readable;
    drawing.removeAttribute("width");
    drawing.removeAttribute("height");
    if (this.kind !== kind || this.untouched) this.fit();
    else this.apply();
    this.kind = kind;
  }

  /** The pane's size, which is asked for once: behind a new drawing the browser would lay out all of it to answer. */
  get room() {
    this.known ??= { width: this.pane.clientWidth || 1, height: this.pane.clientHeight || 1 };
    return this.known;
  }

  /** As much as can be read: the whole picture, or its beginning at the width of the pane. */
  fit() {
    if (!this.size) return;
    const { width, height } = this.room;
    const across = (width - 2 * MARGIN) / this.size.width;
    const whole = Math.min(across, (height - 2 * MARGIN) / this.size.height, 1.6);
    this.scale = whole >= this.readable ? whole : Math.max(Math.min(across, 1), whole, this.readable);
    this.x = Math.max(MARGIN / this.scale, (width / this.scale - this.size.width) / 2);
    this.y = Math.max(MARGIN / this.scale, (height / this.scale - this.size.height) / 2);
    this.untouched = true;
    this.apply();
  }

  apply() {
    const { width, height } = this.room;
    const least = 40 / this.scale; // so much of the picture stays to be seen
    this.x = Math.min(Math.max(this.x, least - this.size.width), width / this.scale - least);
    this.y = Math.min(Math.max(this.y, least - this.size.height), height / this.scale - least);
    const box = [-this.x, -this.y, width / this.scale, height / this.scale].map((number) => number.toFixed(2));
    this.drawing?.setAttribute("viewBox", box.join(" "));
  }

  resized() {
    this.known = null;
    if (!this.drawing) return;
    if (this.untouched) this.fit();
    else this.apply();
  }

  /** Enlarges around a point of the pane, in pixels; without one around its middle. */
  zoom(factor, at = { x: this.room.width / 2, y: this.room.height / 2 }) {
    if (!this.drawing) return;
    const scale = Math.min(Math.max(this.scale * factor, 0.05), MOST);
    this.x += at.x / scale - at.x / this.scale;
    this.y += at.y / scale - at.y / this.scale;
    this.scale = scale;
    this.untouched = false;
    this.apply();
  }

  larger() {
    this.zoom(STEP);
  }

  smaller() {
    this.zoom(1 / STEP);
  }

  pan(dx, dy) {
    if (!this.drawing) return;
    this.x += dx / this.scale;
    this.y += dy / this.scale;
    this.untouched = false;
    this.apply();
  }

  /** Moves so that a part is seen. */
  reveal(part) {
    const [inner, outer] = [part.getBoundingClientRect(), this.pane.getBoundingClientRect()];
    const past = (low, high, least, most) => (low < least ? least - low : high > most ? most - high : 0);
    const dx = past(inner.left, inner.right, outer.left + MARGIN, outer.right - MARGIN);
    const dy = past(inner.top, inner.bottom, outer.top + MARGIN, outer.bottom - MARGIN);
    if (dx || dy) this.pan(dx, dy);
  }

  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY * unit * 0.005), this.inside(event));
    else if (event.shiftKey && !event.deltaX) this.pan(-event.deltaY * unit, 0);
    else this.pan(-event.deltaX * unit, -event.deltaY * unit);
  }

  inside(event) {
    const box = this.pane.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  down(event) {
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, first: [event.clientX, event.clientY] });
    this.dragged = false;
  }

  move(event) {
    const held = this.fingers.get(event.pointerId);
    if (!held) return;
    const [before, other] = [{ ...held }, [...this.fingers.values()].find((one) => one !== held)];
    held.x = event.clientX;
    held.y = event.clientY;
    if (Math.hypot(held.x - held.first[0], held.y - held.first[1]) > FAR && !this.dragged) {
      this.dragged = true;
      this.pane.setPointerCapture(event.pointerId);
    }
    if (other) this.zoom(apart(held, other) / (apart(before, other) || 1), this.inside(event));
    else if (this.dragged) this.pan(held.x - before.x, held.y - before.y);
  }

  up(event) {
    this.fingers.delete(event.pointerId);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.larger();
    else if (event.key === "-") this.smaller();
    else if (event.key === "0") this.fit();
  }
}

function apart(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
