// The text trained by the runner of this machine: begun, watched, stopped, gone on with.

import { el } from "./dom.js";
import { charts } from "./curves.js";

const AT_WORK = ["starting", "running", "stopping"];
const SAID = { starting: "The run begins …", stopping: "It stops, and keeps what it has learned …", stopped: "Stopped.", done: "Trained to the end.", failed: "" };

export class Training {
  /**
   * @param {{ train: (asked: object) => Promise<string|null>, goOn: (asked: object) => Promise<string|null>,
   *   stop: () => void, text: () => string, explain: (code: string) => void }} tell
   */
  constructor(tell) {
    this.tell = tell;
    this.state = { state: "none" };
    this.names = el("select", { id: "train-data" });
    this.epochs = el("input", { id: "train-epochs", type: "number", min: 1, max: 10000, placeholder: "default", title: "Empty: as many as the text says" });
    this.start = el("button", { type: "button", id: "train-start", class: "main", onclick: () => this.begin() }, "Train");
    this.stop = el("button", { type: "button", id: "train-stop", onclick: () => tell.stop() }, "Stop");
    this.goOn = el("button", { type: "button", id: "train-on", onclick: () => this.continue() }, "Go on");
    this.said = el("p", { id: "train-said", role: "status" });
    this.trouble = el("ul", { id: "train-trouble", class: "findings" });
    this.curves = el("div", { id: "train-curves" });
    this.about = el("div", { id: "train-about" });
    const asked = el("div", { class: "train-asked" }, el("label", { for: "train-data" }, "on"), this.names, el("label", { for: "train-epochs" }, "epochs"), this.epochs, this.start, this.stop, this.goOn);
    this.whole = el("section", { id: "training" }, el("h3", {}, "Train"), asked, this.said, this.trouble, this.curves, this.about);
  }

  /** names: of the data sets that are here; first: the one that is meant; state: of the run. */
  build(names, first, state) {
    this.names.replaceChildren(...names.map((name) => el("option", { value: name, selected: name === first }, name)));
    this.take(state);
  }

  get isAtWork() {
    return AT_WORK.includes(this.state.state);
  }

  get asked() {
    const epochs = Math.trunc(Number(this.epochs.value));
    return epochs >= 1 ? { epochs } : {};
  }

  async begin() {
    const refused = await this.tell.train({ data: this.names.value, ...this.asked });
    if (refused) this.said.textContent = refused;
  }

  async continue() {
    const refused = await this.tell.goOn(this.asked);
    if (refused) this.said.textContent = refused;
  }

  /** Shows what is told of the run. */
  take(state) {
    this.state = state;
    this.start.hidden = this.isAtWork;
    this.stop.hidden = !this.isAtWork;
    this.stop.disabled = state.state === "stopping";
    this.goOn.hidden = this.isAtWork || !state.folder || state.state === "failed";
    this.said.textContent = state.state === "none" ? "" : this.sentence();
    this.trouble.replaceChildren(...(state.diagnostics ?? []).map((one) => this.finding(one)));
    this.curves.replaceChildren(...(state.rows?.length || state.step ? charts(state.rows, state.step, state.epochs) : []));
    const notes = (state.notes ?? []).map((line) => el("p", { class: "note" }, line));
    const folder = state.folder && el("p", { class: "folder" }, "The run is in ", el("code", {}, state.folder));
    const other = state.folder && !this.isAtWork && state.text !== this.tell.text() && el("p", { class: "note" }, "The text has changed since: this was the run of an earlier one.");
    this.about.replaceChildren(...[folder, other, ...notes].filter(Boolean));
  }

  sentence() {
    const { state, step, rows, message, epochs } = this.state;
    if (message) return message;
    if (state === "running" && step) return `Epoch ${step.epoch} of ${step.epochs}, step ${step.step} of ${step.steps}, loss ${step.loss.toPrecision(3)}`;
    if (state === "running") return rows.length ? `Epoch ${rows.length} of ${epochs} is done.` : "Training …";
    const row = SAID[state] && state !== "starting" ? rows?.at(-1) : null;
    const found = row && Number.isFinite(row.test_accuracy) ? ` Test accuracy ${(100 * row.test_accuracy).toFixed(1)} % after epoch ${row.epoch}.` : "";
    return SAID[state] + found;
  }

  finding(one) {
    const code = el("button", { type: "button", class: "code", title: "What this means", onclick: () => this.tell.explain(one.code) }, one.code);
    const helps = (one.help ?? "").split("\n").filter(Boolean).map((line) => el("p", {}, `help: ${line}`));
    return el("li", { class: one.severity }, el("p", { class: "first" }, code, " ", one.message), ...one.notes.map((line) => el("p", {}, line)), ...helps);
  }
}
