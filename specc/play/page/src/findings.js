// What is wrong or doubtful: marks in the text, and a list below it with a fix to click.

import { setDiagnostics } from "@codemirror/lint";
import { byId, el } from "./dom.js";
import { changesOf, editsOf, placeOf, spanOf } from "./document.js";
import { markdown } from "./markdown.js";

const MOST = 20; // that are listed
const MOST_MENDED = 5; // for how many fixes are looked for

export class Findings {
  constructor(view, open, show) {
    this.view = view;
    this.open = open;
    this.show = show; // shows an explanation
    this.found = [];
  }

  /** New findings for a version of the text. */
  take({ version, diagnostics }) {
    if (version !== this.open.version) return;
    const { doc } = this.view.state;
    this.found = diagnostics.map((one) => ({ ...one, ...spanOf(doc, one.range), fixes: [] }));
    this.mark();
    this.list();
    void this.mend(version);
  }

  /** The first error; undefined where there is none. */
  get error() {
    return this.found.find((one) => one.severity === 1);
  }

  mark() {
    const { length } = this.view.state.doc;
    const marks = this.found.map((one) => ({
      from: Math.min(one.from, length),
      to: Math.min(one.to, length),
      severity: one.severity === 1 ? "error" : "warning",
      source: String(one.code ?? ""),
      message: one.message,
      actions: one.fixes.map((fix) => ({ name: fix.title, apply: () => this.apply(fix) })),
    }));
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  /** Looks for what mends each finding, the first ones. */
  async mend(version) {
    for (const one of this.found.slice(0, MOST_MENDED)) {
      const context = { diagnostics: [] };
      const actions = await this.open.ask("codeAction", { range: one.range, context });
      if (version !== this.open.version) return;
      one.fixes = (actions ?? []).filter((action) => action.diagnostics?.some((about) => about.code === one.code));
    }
    if (this.found.some((one) => one.fixes.length)) {
      this.mark();
      this.list();
    }
  }

  apply(action) {
    const changes = changesOf(this.view.state.doc, editsOf(action.edit));
    this.view.dispatch({ changes, userEvent: "input.fix" });
    this.view.focus();
  }

  list() {
    const shown = this.found.slice(0, MOST).map((one) => this.row(one));
    const more = this.found.length - MOST;
    byId("findings").replaceChildren(...shown, ...(more > 0 ? [el("li", {}, `and ${more} more`)] : []));
  }

  row(one) {
    const [first, ...others] = one.message.split("\n");
    const line = placeOf(this.view.state.doc, Math.min(one.from, this.view.state.doc.length)).line + 1;
    const kind = one.severity === 1 ? "error" : "warning";
    const there = el("button", { type: "button", class: "there", onclick: () => this.go(one) }, `line ${line}`);
    const code = el("button", { type: "button", class: "code", title: "What this means", onclick: () => this.explain(one.code) }, String(one.code));
    const helps = others.filter((text) => !text.startsWith("help: ") || !one.fixes.length).map((text) => el("p", {}, text));
    const fixes = one.fixes.map((fix) => el("button", { type: "button", class: fix.isPreferred ? "fix best" : "fix", onclick: () => this.apply(fix) }, fix.title));
    return el("li", { class: kind }, el("p", { class: "first" }, code, " ", first, " ", there), ...helps, el("p", { class: "fixes" }, ...fixes));
  }

  go({ from }) {
    this.view.dispatch({ selection: { anchor: Math.min(from, this.view.state.doc.length) }, scrollIntoView: true });
    this.view.focus();
  }

  async explain(code) {
    const text = await this.open.connection.ask("specc/explain", { code: String(code) });
    if (text) this.show(markdown(text));
  }
}
