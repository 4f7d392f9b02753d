// The network's picture: drawn by the server, moved and enlarged here; each part tied to its place in the text.

import { byId, svg } from "./dom.js";
import { offsetOf } from "./document.js";
import { Drawing } from "./drawing.js";
import { View } from "./view.js";

const READABLE = 0.55; // the least scale at which a whole picture is shown

export class Picture {
  /**
   * @param {HTMLElement} pane
   * @param {{ pointed: Function, chosen: Function, redraw: Function }} tell
   */
  constructor(pane, tell) {
    this.pane = pane;
    this.tell = tell;
    this.style = "flow";
    this.unfold = false;
    this.opened = new Set();
    this.closed = new Set();
    this.places = new Map();
    this.chosen = "";
    this.drawing = new Drawing(pane);
    this.view = new View(pane);
    this.listen();
  }

  /** How it is to be drawn. */
  get options() {
    return { style: this.style, unfold: this.unfold, opened: [...this.opened], closed: [...this.closed] };
  }

  /** Shows an answer; without a picture in it the last one stays behind. */
  take(answer, doc) {
    if (answer.totals) byId("totals").textContent = answer.problem || answer.totals;
    this.pane.classList.toggle("behind", !answer.svg);
    if (!answer.svg) return;
    const focused = this.pane.contains(document.activeElement) ? document.activeElement.dataset?.name : null;
    const drawn = this.drawing.take(answer.svg, (made) => this.prepare(made));
    if (!drawn) return;
    this.places = new Map(Object.entries(answer.places).map(([name, place]) => [name, span(doc, place)]));
    if (!drawn.querySelector("[tabindex='0']")) drawn.querySelector("[data-name]")?.setAttribute("tabindex", "0");
    this.view.take(drawn, this.drawing.size, this.style, READABLE);
    if (focused) this.find(focused)?.focus();
    this.choose(this.chosen);
  }

  /** Every part can be reached by the keyboard, and says what it is. */
  prepare(drawn) {
    for (const part of drawn.querySelectorAll("[data-name]")) {
      const text = part.querySelector("text");
      part.setAttribute("role", "button");
      part.setAttribute("tabindex", "-1");
      part.setAttribute("aria-label", [...part.querySelectorAll("text")].map((one) => one.textContent).join(", "));
      const { fold } = part.dataset;
      if (fold) part.setAttribute("aria-expanded", String(fold === "open"));
      if (fold && text) text.prepend(svg("tspan", { "aria-hidden": "true" }, fold === "open" ? "▾ " : "▸ "));
    }
  }

  /** The places move with the text, so that the last good picture stays tied to it. */
  moved(changes) {
    for (const [name, { from, to }] of this.places) {
      this.places.set(name, { from: changes.mapPos(from, 1), to: changes.mapPos(to, -1) });
    }
  }

  parts(names) {
    return [...this.pane.querySelectorAll("[data-name]")].filter((part) => names.has(part.dataset.name));
  }

  find(name) {
    return this.pane.querySelector(`[data-name="${CSS.escape(name)}"]`);
  }

  /** The names of what stands at a place of the text: the innermost step. */
  at(offset) {
    const around = [...this.places].filter(([, { from, to }]) => from <= offset && offset <= to);
    const least = Math.min(...around.map(([, { from, to }]) => to - from));
    return new Set(around.filter(([, { from, to }]) => to - from === least).map(([name]) => name));
  }

  light(names) {
    for (const part of this.pane.querySelectorAll(".lit")) part.classList.remove("lit");
    for (const part of this.parts(names)) part.classList.add("lit");
  }

  /** Marks what cannot be drawn as the text now says. */
  blame(error) {
    for (const part of this.pane.querySelectorAll(".wrong")) part.classList.remove("wrong");
    if (!error) return;
    for (const part of this.parts(this.at(error.from))) part.classList.add("wrong");
  }

  choose(name) {
    this.chosen = name;
    for (const part of this.pane.querySelectorAll(".chosen")) part.classList.remove("chosen");
    if (name) for (const part of this.parts(new Set([name]))) part.classList.add("chosen");
  }

  listen() {
    const part = (event) => event.target.closest?.("[data-name]");
    this.pane.addEventListener("pointerover", (event) => this.tell.pointed(part(event)?.dataset.name ?? ""));
    this.pane.addEventListener("pointerleave", () => this.tell.pointed(""));
    // Not at a click: where the box is drawn anew between press and release the browser tells of none.
    let pressed = "";
    this.pane.addEventListener("pointerdown", (event) => (pressed = event.button === 0 ? part(event)?.dataset.name : ""));
    this.pane.addEventListener("pointerup", (event) => {
      const found = part(event);
      if (found && found.dataset.name === pressed && !this.view.dragged) this.press(found);
      pressed = "";
    });
    this.pane.addEventListener("click", (event) => part(event) && event.detail === 0 && this.press(part(event))); // by a program
    this.pane.addEventListener("focusin", (event) => part(event) && this.tell.pointed(part(event).dataset.name));
    this.pane.addEventListener("keydown", (event) => this.key(event, part(event)));
  }

  press(part) {
    const { name, fold } = part.dataset;
    if (!fold) {
      this.tell.chosen(name);
      return;
    }
    const [from, to] = fold === "open" ? [this.opened, this.closed] : [this.closed, this.opened];
    from.delete(name);
    to.add(name);
    this.tell.redraw();
  }

  key(event, part) {
    if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.press(part);
    else if (step) this.go(part, step);
    else return;
    event.preventDefault();
  }

  go(part, step) {
    const all = [...this.pane.querySelectorAll("[data-name]")];
    const next = all[all.indexOf(part) + step];
    if (!next) return;
    part.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
    this.view.reveal(next);
  }
}

function span(doc, [line, character, endLine, endCharacter]) {
  return {
    from: offsetOf(doc, { line, character }),
    to: offsetOf(doc, { line: endLine, character: endCharacter }),
  };
}
