// All feature maps of the layer that is open, and of the one that is chosen its values and its filter.

import { counted, el } from "./dom.js";
import { tile, twoColours } from "./tiles.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class LayerMaps {
  constructor() {
    this.whole = el("section", { class: "layer-maps" });
    this.channel = 0;
    this.name = "";
  }

  /** Shows what the server tells of a layer; null where it has nothing to show. */
  take(about) {
    const isHeld = this.whole.contains(document.activeElement) && document.activeElement.matches(".map-button");
    this.about = about;
    this.whole.hidden = !about;
    if (!about) return;
    if (about.name !== this.name || this.channel >= about.count) this.channel = 0;
    this.name = about.name;
    const more = about.of > about.count ? `, the first ${counted(about.count)} of ${counted(about.of)}` : "";
    this.grid = el("div", { class: about.height === 1 ? "map-grid vector" : "map-grid", role: "group", "aria-label": "Channels" }, ...this.buttons());
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.detail = el("div", { class: "map-detail" });
    this.whole.replaceChildren(el("h3", {}, `Feature maps${more}`), this.grid, this.detail);
    this.choose(this.channel);
    if (isHeld) this.grid.children[this.channel].focus();
  }

  buttons() {
    const { about } = this;
    return Array.from({ length: about.count }, (_, at) =>
      el("button", { type: "button", class: "map-button", "aria-label": this.title(at), title: this.title(at), onclick: () => this.choose(at) }, tile(about, at)),
    );
  }

  title(at) {
    const { about } = this;
    if (about.height === 1 && about.count === 1) return `${counted(about.width)} values`;
    return `channel ${at}${about.called[at] ? `: ${about.called[at]}` : ""}`;
  }

  choose(at) {
    this.channel = at;
    [...this.grid.children].forEach((button, number) => {
      button.setAttribute("aria-pressed", String(number === at));
      button.tabIndex = number === at ? 0 : -1;
    });
    const { about } = this;
    const range = `${about.low[at]} (dark) to ${about.high[at]} (light)`.replaceAll("-", "−");
    this.detail.replaceChildren(
      el("figure", {}, el("figcaption", {}, this.title(at)), about.height > 1 && tile(about, at), el("figcaption", {}, range)),
      ...this.filter(at),
    );
  }

  /** The filter that made a channel: a tile for each channel that it reads. */
  filter(at) {
    const { filters } = this.about;
    if (!filters) return [];
    const tiles = Array.from({ length: filters.inputs }, (_, input) => {
      const shown = tile(filters, at * filters.inputs + input, twoColours);
      return el("span", { title: this.numbers(at * filters.inputs + input) }, shown);
    });
    const more = filters.of > filters.inputs ? `, for the first ${filters.inputs} of ${counted(filters.of)} channels` : filters.of > 1 ? `, for ${filters.of} channels` : "";
    const scale = `blue: below zero, orange: above, up to ${-filters.low[0]}`;
    return [el("figure", { class: "filter" }, el("figcaption", {}, `its filter${more}`), el("div", { class: "filter-tiles" }, ...tiles), el("figcaption", {}, scale))];
  }

  /** The weights of a small filter, row by row. */
  numbers(at) {
    const { filters } = this.about;
    const size = filters.width * filters.height;
    const values = filters.values.slice(at * size, (at + 1) * size).map((value) => String(value).replace("-", "−"));
    if (!values.length) return "";
    return Array.from({ length: filters.height }, (_, row) => values.slice(row * filters.width, (row + 1) * filters.width).join("  ")).join("\n");
  }

  key(event) {
    const across = Math.max(1, Math.round(this.grid.clientWidth / (this.grid.firstElementChild.offsetWidth || 1)));
    const step = STEPS[event.key] ?? { ArrowDown: across, ArrowUp: -across }[event.key];
    const next = this.channel + (step ?? 0);
    if (!step || next < 0 || next >= this.about.count) return;
    event.preventDefault();
    this.choose(next);
    this.grid.children[next].focus();
  }
}
