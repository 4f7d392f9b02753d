// The page: the text on the left, the network it makes in the middle, the layer that was chosen on the right.

import { overSocket, overWorker } from "./connection.js";
import { readAddress, writeAddress } from "./address.js";
import { byId, el, latest, paused } from "./dom.js";
import { OpenDocument, changesOf } from "./document.js";
import { format, makeEditor, rename, renamed, showColours, showShapes } from "./editor.js";
import { Findings } from "./findings.js";
import { showDialog, showGallery } from "./gallery.js";
import { litOf, setLit } from "./looks.js";
import { HeldNetwork } from "./held.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { Training } from "./training.js";
import { Trying } from "./trying.js";

const root = document.documentElement;
const REMEMBERED = 400; // milliseconds until a text is put into the address
const PARTS = ["text", "network", "layer", "try"];
const STYLES = ["flow", "lecture", "cuboids"];

function shade(dark) {
  root.dataset.theme = dark ? "dark" : "light";
}

function notice(text, stays = false) {
  byId("notice").textContent = text;
  byId("notice").hidden = false;
  if (!stays) setTimeout(() => (byId("notice").hidden = true), 3000);
}

/** Which part of the page a narrow screen shows. */
function show(part) {
  document.querySelector("main").dataset.shown = part;
  for (const one of PARTS) byId(`tab-${one}`).setAttribute("aria-selected", String(one === part));
}

class Page {
  constructor(connection, open, legend, text, name) {
    this.open = open;
    this.legend = legend;
    this.name(name);
    this.picture = new Picture(byId("picture"), {
      pointed: (part) => this.point(part),
      chosen: (part) => this.choose(part),
      redraw: () => this.refresh(),
    });
    this.panel = new Panel({ set: (argument, value) => this.set(argument, value), closed: () => this.choose("") });
    this.trying = new Trying({
      look: (asked) => (this.held ? this.held.look(asked, this.trying.pictures.canvas, this.text) : this.open.askMore("look", asked)),
      chosen: (part) => this.choose(part),
      closed: () => this.tryIt(false),
      whole: (maps) => this.panel.maps.take(maps),
      notice,
    });
    const nonce = document.querySelector("meta[name=style-nonce]").content;
    const tell = { changed: (update) => this.changed(update), moved: (offset) => this.followed(offset), rename: () => this.rename() };
    this.view = makeEditor(byId("editor"), text, open, tell, nonce);
    this.findings = new Findings(this.view, open, (content) => showDialog("What this means", content));
    connection.on("textDocument/publishDiagnostics", (found) => this.judged(found));
    this.refresh = latest(() => this.redraw());
    this.write = latest(() => this.writeValue());
    this.remember = paused(() => writeAddress(this.text), REMEMBERED);
    this.bind();
    this.refresh();
  }

  get text() {
    return this.view.state.doc.toString();
  }

  name(name) {
    this.file = name.split("/").pop().replace(/\.cnn$/, "");
    byId("title").textContent = this.file;
    document.title = `${this.file} – specc play`;
  }

  // the text and what is known of it

  changed(update) {
    this.open.changed(this.text);
    this.picture.moved(update.changes);
    this.refresh();
    this.remember();
  }

  async redraw() {
    // Asked in the order in which they are looked for; the server answers one after the other.
    const shapes = showShapes(this.view, this.open);
    const drawn = this.open.askMore("picture", this.picture.options);
    void showColours(this.view, this.open, this.legend); // the next picture does not wait for them
    await shapes;
    await this.drawn(await drawn);
  }

  async drawn(answer) {
    if (!answer) return;
    const before = this.picture.places.get(this.picture.chosen);
    this.picture.take(answer, this.view.state.doc);
    if (answer.svg) await this.inspect(before);
    else if (!answer.totals) this.panel.behind();
    this.picture.blame(answer.svg ? null : this.findings.error);
    this.followed(this.view.state.selection.main.head);
    if (answer.svg) void this.trying.refresh();
  }

  judged(found) {
    this.findings.take(found);
    const { error } = this.findings;
    const trouble = byId("trouble");
    trouble.hidden = !error;
    trouble.textContent = error ? `Line ${error.range.start.line + 1}: ${error.message.split("\n")[0]}` : "";
    this.picture.blame(error);
  }

  // the picture and the text, tied together

  point(name) {
    if (name === this.pointed) return;
    this.pointed = name;
    const place = name ? this.picture.places.get(name) : null;
    this.view.dispatch({ effects: setLit.of(litOf(this.view.state.doc, place ? [place] : [])) });
    this.picture.light(name ? new Set([name]) : this.picture.at(this.view.state.selection.main.head));
  }

  followed(offset) {
    if (!this.pointed) this.picture.light(this.picture.at(offset));
  }

  choose(name) {
    this.picture.choose(name);
    this.trying.look(name);
    this.settle();
    if (!name) {
      this.panel.close();
      show(this.trying.isOpen ? "try" : "network");
      byId("picture").querySelector("[tabindex='0']")?.focus();
      return;
    }
    const place = this.picture.places.get(name);
    if (place && !this.view.hasFocus) this.view.dispatch({ selection: { anchor: place.from }, scrollIntoView: true });
    show("layer");
    void this.inspect(place);
  }

  /** Which panel stands on the right: that of the layer that is chosen comes before the other. */
  settle() {
    const side = this.picture.chosen ? "layer" : this.trying.isOpen ? "try" : "";
    root.classList.toggle("opened", Boolean(side));
    document.querySelector("main").dataset.side = side;
    byId("try-open").setAttribute("aria-pressed", String(this.trying.isOpen));
  }

  // the network tried out

  /** What this machine can do beside the compiler. */
  async equip() {
    const machine = await this.open.askMore("machine");
    if (!machine) return;
    const { data, run, training } = machine;
    const ask = (method, asked) => this.open.askMore(method, asked);
    this.training = new Training({
      train: (asked) => ask("train", { name: this.file, ...asked }),
      goOn: (asked) => ask("goOn", asked),
      stop: () => ask("stop"),
      text: () => this.text,
      explain: (code) => this.findings.explain(code),
    });
    this.trying.training.replaceWith(this.training.whole);
    this.trying.training = this.training.whole;
    this.own = run ? ["fresh", "fixed", "run"] : ["fixed", "fresh"];
    this.trying.build(data, run?.data || data[0], this.own);
    this.training.build(data, run?.data || data[0], training);
    this.trained(training);
    this.open.connection.on("specc/run", (state) => this.trained(state));
    for (const id of ["try-open", "tab-try"]) byId(id).hidden = false;
    if (!run) return;
    this.trying.open();
    this.settle();
  }

  /** The same for a page of files that holds the network of a run. */
  async hold() {
    this.held = new HeldNetwork(await (await fetch("network.json")).json());
    this.trying.build([], "", ["run"]);
    for (const id of ["try-open", "tab-try"]) byId(id).hidden = false;
  }

  /** News of the run. */
  trained(state) {
    this.training.take(state);
    if (state.folder) this.trying.offer([...this.own, "training"]);
    if (state.step || this.wasAtWork) void this.trying.refresh();
    this.wasAtWork = this.training.isAtWork;
  }

  tryIt(isOpen) {
    if (isOpen) this.trying.open();
    else this.trying.close();
    if (this.picture.chosen) this.choose("");
    else this.settle();
    show(isOpen ? "try" : "network");
  }

  /** Asks about the chosen layer. place: where it stood, should it have another name by now. */
  async inspect(place) {
    const { chosen } = this.picture;
    if (!chosen) return;
    const about = await this.open.askMore("layer", { name: chosen });
    if (about && chosen === this.picture.chosen) this.panel.take(about);
    if (about || !place) return;
    const other = [...this.picture.places].find(([, { from }]) => from === place.from)?.[0];
    if (!other || other === chosen) this.panel.behind();
    else this.choose(other);
  }

  /** A slider's value goes into the text; of values that come quickly the last one. */
  set(argument, value) {
    this.wanted = { line: argument.at[0], character: argument.at[1], field: argument.field, value };
    this.write();
  }

  async writeValue() {
    const edits = await this.open.askMore("set", this.wanted);
    if (edits?.length) this.view.dispatch({ changes: changesOf(this.view.state.doc, edits), userEvent: "input.slider" });
  }

  async rename() {
    const found = await renamed(this.view, this.open);
    if (!found) return notice("There is no name here that can be changed");
    const input = el("input", { value: found.placeholder, "aria-label": "The new name", spellcheck: "false" });
    const trouble = el("p", { class: "trouble", role: "alert" });
    const form = el("form", { method: "dialog" }, input, el("button", {}, "Rename"), trouble);
    const dialog = showDialog(`Rename ${found.placeholder}`, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      trouble.textContent = await rename(this.view, this.open, input.value.trim());
      if (!trouble.textContent) dialog.close();
    });
    input.select();
    return undefined;
  }

  // buttons

  bind() {
    const click = (id, work) => byId(id).addEventListener("click", work);
    click("gallery", () => showGallery((name, text) => this.replace(name, text)));
    click("format", async () => (await format(this.view, this.open)) || notice("A text with syntax errors is not formatted"));
    click("save", () => this.save());
    click("share", () => this.share());
    click("shade", () => shade(root.dataset.theme !== "dark"));
    click("trouble", () => (show("text"), this.findings.error && this.findings.go(this.findings.error)));
    click("zoom-in", () => this.picture.view.larger());
    click("zoom-out", () => this.picture.view.smaller());
    click("zoom-fit", () => this.picture.view.fit());
    click("unfold", () => this.toggleRepeats());
    for (const style of STYLES) click(`style-${style}`, () => this.setStyle(style));
    for (const part of ["text", "network", "layer"]) click(`tab-${part}`, () => show(part));
    click("tab-try", () => this.tryIt(true));
    click("try-open", () => this.tryIt(!this.trying.isOpen));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.picture.chosen && !this.view.hasFocus && !byId("dialog").open) this.choose("");
    });
    byId("editor").addEventListener("mousemove", (event) => {
      const offset = this.view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (offset !== null && !event.buttons) this.picture.light(this.picture.at(offset));
    });
    byId("editor").addEventListener("mouseleave", () => this.followed(this.view.state.selection.main.head));
  }

  setStyle(style) {
    this.picture.style = style;
    for (const one of STYLES) byId(`style-${one}`).setAttribute("aria-pressed", String(one === style));
    this.refresh();
  }

  toggleRepeats() {
    this.picture.unfold = !this.picture.unfold;
    byId("unfold").setAttribute("aria-pressed", String(this.picture.unfold));
    this.refresh();
  }

  replace(name, text) {
    this.name(name);
    this.choose("");
    this.picture.opened.clear();
    this.picture.closed.clear();
    this.picture.view.kind = null;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 } });
  }

  save() {
    const address = URL.createObjectURL(new Blob([this.text], { type: "text/plain" }));
    el("a", { href: address, download: `${this.file}.cnn` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  async share() {
    const fits = await writeAddress(this.text);
    if (!fits) return notice("The text is too long for an address");
    await navigator.clipboard?.writeText(location.href).catch(() => {});
    return notice("The address, which holds the text, is copied");
  }
}

/** The language server: that of `specc play`, or, where the page is files alone, one in the browser. */
async function connected(start) {
  if (start.python) {
    notice("The compiler is loading …", true);
    return overWorker(start.python, (why) => notice(`The compiler does not start: ${why}`, true));
  }
  const address = new URL("socket", location.href);
  address.protocol = "ws:";
  address.hash = "";
  return overSocket(address, () => notice("specc play has ended. The text is still here.", true));
}

async function begin() {
  shade(matchMedia("(prefers-color-scheme: dark)").matches);
  show("network");
  const start = await (await fetch("start.json")).json();
  const held = await readAddress();
  const connection = await connected(start);
  const open = new OpenDocument(connection);
  const text = held ?? start.text;
  const { capabilities } = await open.start(text.replace(/\r\n?/g, "\n"));
  const page = new Page(connection, open, capabilities.semanticTokensProvider.legend.tokenTypes, text, start.name);
  if (start.python) byId("notice").hidden = true;
  if (start.run) await page.hold();
  else if (!start.python) await page.equip();
  root.classList.add("ready");
  return page;
}

void begin();
