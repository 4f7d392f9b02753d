// The network tried out: a picture goes in, every layer's maps appear, and what it answers where it was trained.

import { byId, el, latest } from "./dom.js";
import { Pictures } from "./pictures.js";
import { paintRow, pictureOf } from "./tiles.js";

const WEIGHTS = { fresh: "random", fixed: "edges and means in front", run: "of the run", training: "of this training" };

export class Trying {
  /**
   * @param {{ look: (asked: object) => Promise<object|null>, chosen: (name: string) => void, closed: () => void,
   *   whole: (maps: object|null) => void, notice: (text: string) => void }} tell
   */
  constructor(tell) {
    this.tell = tell;
    this.pane = byId("try");
    this.isOpen = false;
    this.layer = "";
    this.rows = new Map();
    this.refresh = latest(() => this.ask());
    this.pictures = new Pictures({ changed: () => this.refresh(), notice: tell.notice });
    this.weights = el("select", { id: "weights" });
    this.invert = el("input", { id: "invert", type: "checkbox" });
    for (const one of [this.weights, this.invert]) one.addEventListener("change", () => this.refresh());
    this.said = el("div", { id: "said", "aria-live": "polite" });
    this.given = el("div", { class: "given" });
    this.list = el("div", { class: "all-maps", role: "group", "aria-label": "Feature maps of every layer" });
    this.training = el("div");
  }

  /** Builds the panel. names: of data sets; first: the one that is shown; weights: which there are. */
  build(names, first, weights) {
    this.pictures.offer(names, first);
    this.offer(weights);
    const close = el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => this.tell.closed() }, "×");
    this.pane.replaceChildren(
      el("header", {}, el("h2", {}, "Try it"), close),
      this.pictures.whole,
      el("div", { class: "how" }, el("label", { for: "weights" }, "Weights"), this.weights, el("label", {}, this.invert, " dark and light swapped")),
      el("div", { class: "answered" }, this.given, this.said),
      this.training,
      el("section", {}, el("h3", {}, "What each layer makes of it"), this.list),
    );
  }

  /** The weights that can be chosen; the last one is. */
  offer(kinds) {
    if (this.kinds?.join() === kinds.join()) return;
    this.kinds = kinds;
    this.weights.replaceChildren(...kinds.map((kind) => el("option", { value: kind, selected: kind === kinds.at(-1) }, WEIGHTS[kind])));
  }

  open() {
    this.isOpen = true;
    void this.refresh();
  }

  close() {
    this.isOpen = false;
  }

  /** The layer that is looked at: its maps are all asked for. */
  look(name) {
    this.layer = name;
    this.tell.whole(null);
    if (name) void this.refresh();
  }

  async ask() {
    const picture = this.pictures.asked;
    if (!this.isOpen) return;
    if (!picture) {
      this.refuse("Choose a picture, or draw one.");
      return;
    }
    if (!this.rows.size) this.said.replaceChildren(el("p", { class: "note" }, "The network is loading …"));
    const answer = await this.tell.look({ weights: this.weights.value, invert: this.invert.checked, layer: this.layer, ...picture });
    if (!answer) return;
    if (answer.refused) this.refuse([answer.refused, ...answer.helps].join("\n"));
    else this.take(answer.maps);
  }

  refuse(why) {
    this.pane.classList.add("behind");
    this.said.replaceChildren(el("p", { class: "trouble" }, why));
    this.tell.whole(null);
  }

  take(maps) {
    this.pane.classList.remove("behind");
    this.given.replaceChildren(pictureOf(maps.input));
    const truth = maps.truth && el("p", { class: "truth" }, `Its class: ${maps.truth}`);
    const untrained = ["fresh", "fixed"].includes(this.weights.value) && el("p", { class: "note" }, "This network has learned nothing yet: what it answers means nothing.");
    this.said.replaceChildren(...[truth, untrained, ...maps.bars.map(bar), ...maps.words.map((line) => el("p", {}, line)), maps.note && el("p", { class: "note" }, maps.note)].filter(Boolean));
    this.show(maps.layers);
    if (this.layer) this.tell.whole(maps.whole?.name === this.layer ? maps.whole : null);
  }

  /** A row for each layer; those that are there already are painted anew. */
  show(layers) {
    const before = this.rows;
    this.rows = new Map(layers.map((layer) => [layer.name, before.get(layer.name) ?? this.row(layer.name)]));
    const same = before.size === this.rows.size && [...before.keys()].every((name) => this.rows.has(name));
    if (!same) this.list.replaceChildren(...[...this.rows.values()].map(({ whole }) => whole));
    for (const layer of layers) {
      const { canvas, shape } = this.rows.get(layer.name);
      shape.textContent = `${layer.shape.replaceAll("x", "×")}${layer.of > layer.count ? `, ${layer.count} shown` : ""}`;
      paintRow(canvas, layer, 34);
    }
  }

  row(name) {
    const canvas = el("canvas", { "aria-hidden": "true" });
    const shape = el("span", { class: "hint" });
    const whole = el("button", { type: "button", class: "maps-of", "data-layer": name, onclick: () => this.tell.chosen(name) }, el("span", { class: "name" }, name), shape, canvas);
    return { whole, canvas, shape };
  }
}

/** A class with its probability. */
function bar([name, share]) {
  const told = `${(100 * share).toFixed(1)} %`;
  return el("div", { class: "bar" }, el("span", { class: "bar-name", title: name }, name), el("meter", { min: 0, max: 1, value: share, "aria-label": `${name}: ${told}` }), el("span", { class: "bar-share" }, told));
}
