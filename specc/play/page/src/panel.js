// A layer, opened: what it does, its window, its arguments, its size, its costs, what it sees.

import { byId, counted, el } from "./dom.js";
import { LayerMaps } from "./maps.js";
import { Sliding } from "./sliding.js";
import { seenField } from "./seen.js";

const DIMENSIONS = { 1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"] };

export class Panel {
  /** @param {{ set: (argument: object, value: number) => void, closed: () => void }} tell */
  constructor(tell) {
    this.tell = tell;
    this.pane = byId("layer");
    this.sliding = new Sliding((row, column) => this.look(row, column));
    this.field = el("div");
    this.maps = new LayerMaps();
    this.maps.take(null);
    this.close();
  }

  /** Shows what the server tells of a layer. */
  take(about) {
    const { activeElement } = document;
    const held = this.pane.contains(activeElement) ? activeElement.id : "";
    const another = this.about?.name !== about.name;
    this.about = about;
    this.pane.classList.remove("behind");
    this.parts = this.build(about);
    this.pane.replaceChildren(...this.parts);
    if (about.window) this.sliding.take(about.window);
    else this.look(0, 0);
    if (another) this.pane.scrollTop = 0;
    if (held) byId(held)?.focus();
  }

  /** What is shown is that of an earlier text. */
  behind() {
    this.pane.classList.toggle("behind", Boolean(this.about));
  }

  close() {
    this.about = null;
    this.pane.replaceChildren(el("p", { class: "hint" }, "Choose a layer in the picture: a click opens it."));
  }

  build(about) {
    const close = el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => this.tell.closed() }, "×");
    return [
      el("header", { class: `family ${about.family}` }, el("h2", {}, about.title), close),
      el("p", { class: "about" }, about.about),
      el("p", { class: "shapes" }, about.input, " → ", el("strong", {}, about.output)),
      this.maps.whole,
      about.window && this.sliding.whole,
      about.arguments.length > 0 && section("Arguments", ...about.arguments.map((one) => this.argument(one))),
      about.formulas.length > 0 && section("Size", ...formulas(about)),
      section("Costs", costs(about.costs), ...weights(about)),
      about.inputs.length > 1 && section("Sees", this.field),
      el("p", { class: "name" }, about.name),
    ].filter(Boolean);
  }

  look(row, column) {
    if (!this.about) return;
    this.field.replaceChildren(...seenField(this.about.inputs, this.about.seen, this.about.outputs, row, column));
  }

  /** A slider that writes into the text. */
  argument(one) {
    const id = `argument-${one.name}`;
    const shown = el("output", { for: id }, one.value.join("×"));
    const label = el("label", { for: id, title: one.doc }, one.name);
    if (!one.at) return el("div", { class: "argument" }, label, shown, el("p", { class: "reason" }, one.reason));
    const [least, most] = one.choices.length ? [0, one.choices.length - 1] : [one.least, one.most];
    const at = one.choices.length ? one.choices.indexOf(one.value[0]) : one.value[0];
    const meant = (input) => (one.choices.length ? one.choices[input.value] : Number(input.value));
    const slider = el("input", { id, type: "range", min: least, max: most, step: 1, value: at, title: one.doc, disabled: most <= least });
    slider.addEventListener("input", () => {
      shown.textContent = String(meant(slider));
      this.tell.set(one, meant(slider));
    });
    return el("div", { class: "argument" }, label, slider, shown);
  }
}

function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), ...children);
}

function formulas({ formulas: found }) {
  const names = DIMENSIONS[found.length] ?? [];
  const rows = [...new Set(found)].length === 1 ? [[names.join(" and "), found[0]]] : found.map((text, at) => [names[at], text]);
  return rows.map(([name, text]) => el("p", { class: "formula" }, el("span", {}, name), el("code", {}, text)));
}

function costs(costs) {
  const rows = [["parameters", costs.parameters, costs.of_parameters], ["multiplications", costs.macs, costs.of_macs], ["values kept", costs.values, costs.of_values]];
  return el("table", { class: "costs" }, ...rows.map(([name, own, whole]) => cost(name, own, whole)));
}

/** A count with its share of the whole network's. */
function cost(name, own, whole) {
  const share = whole ? own / whole : 0;
  const shown = share && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
  const meter = el("meter", { min: 0, max: 1, value: share, "aria-label": `${shown} of the network's ${name}` });
  return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, counted(own)), el("td", {}, meter), el("td", {}, own ? shown : ""));
}

function weights({ weights: found, costs }) {
  const told = found.map((one) => el("p", { class: "weights" }, `${one.name} `, el("code", {}, one.shape), one.shape.includes("×") ? ` = ${counted(one.count)}` : ""));
  const each = costs.values && costs.macs % costs.values === 0 ? costs.macs / costs.values : 0;
  if (each) told.push(el("p", { class: "weights" }, `${counted(costs.values)} values, each of ${counted(each)} products`));
  return told;
}
