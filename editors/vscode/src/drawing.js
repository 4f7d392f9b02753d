// The network drawn beside its text: asked of the server after each change, tied to the lines of the text.
// Knows nothing of VS Code but what it is handed, so that it can be tried without it.
// @ts-check
"use strict";

const { randomBytes } = require("node:crypto");

const PAUSE = 120; // milliseconds without a key, after which the network is drawn again

/**
 * The page of the panel. It runs its own script and no other, and loads nothing; what it draws are marks and texts.
 * @param {string} colours a style sheet, from the server
 */
function pageOf(colours, nonce = randomBytes(16).toString("base64")) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'">
<style>
${colours.replaceAll("<", "")}
body { padding: 0.5rem; } svg { max-width: none; } [data-name] { cursor: pointer; }
.lit > * { stroke: var(--vscode-focusBorder); stroke-width: 2; } .old { opacity: 0.5; } #said { min-height: 1.5em; }
.lit > text { stroke: none; font-weight: bold; }
</style>
</head>
<body>
<p id="said"></p>
<div id="picture"></div>
<script nonce="${nonce}">(${inside})(acquireVsCodeApi(), document, window);</script>
</body>
</html>`;
}

/**
 * What runs in the panel.
 * @param {{ postMessage: (message: object) => void }} editor
 * @param {Document} document
 * @param {Window} window
 */
function inside(editor, document, window) {
  const picture = /** @type {HTMLElement} */ (document.getElementById("picture"));
  const said = /** @type {HTMLElement} */ (document.getElementById("said"));
  const shade = () => {
    document.documentElement.dataset.theme = /light/.test(document.body.className) ? "light" : "dark";
  };
  shade();
  new MutationObserver(shade).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  window.addEventListener("message", ({ data }) => {
    if (data.svg) picture.innerHTML = data.svg;
    if ("said" in data) {
      said.textContent = data.said;
      picture.classList.toggle("old", !data.svg);
    }
    for (const part of picture.querySelectorAll("[data-name]")) {
      part.classList.toggle("lit", data.lit.includes(part.getAttribute("data-name")));
    }
  });
  picture.addEventListener("click", ({ target }) => {
    const part = /** @type {Element} */ (target).closest("[data-name]");
    if (part) editor.postMessage({ name: part.getAttribute("data-name") });
  });
  editor.postMessage({ ready: true });
}

/** A picture that follows one text. */
class Drawing {
  /**
   * @param {{ uri: string,
   *   ask: (params: object) => Promise<{ svg: string | null, places: Record<string, number[]>, totals: string, problem: string } | null>,
   *   show: (message: object) => void, select: (place: number[]) => void }} ways to the server, the panel and the text
   */
  constructor(ways) {
    this.ways = ways;
    /** @type {Record<string, number[]>} */
    this.places = {};
    this.line = 0;
    this.asked = 0;
    /** @type {NodeJS.Timeout | undefined} */
    this.waiting = undefined;
  }

  /** The text has changed. */
  changed() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.draw(), PAUSE);
  }

  /** Draws anew; of several questions under way the last one counts. A text with errors leaves the picture of before. */
  async draw() {
    const asked = ++this.asked;
    let found;
    try {
      found = await this.ways.ask({ uri: this.ways.uri });
    } catch {
      return; // the text has changed meanwhile, and the next question is on its way
    }
    if (asked !== this.asked || !found) return;
    if (found.svg) this.places = found.places;
    const said = found.problem || (found.svg ? found.totals : "The picture is that of before the error.");
    this.ways.show({ svg: found.svg, said, lit: this.lit() });
  }

  /** The cursor stands in another line. @param {number} line from 0 */
  moved(line) {
    if (line === this.line) return;
    this.line = line;
    this.ways.show({ lit: this.lit() });
  }

  /** What the panel says. @param {{ ready?: boolean, name?: string }} message */
  async told(message) {
    if (message.ready) await this.draw();
    const place = typeof message.name === "string" && Object.hasOwn(this.places, message.name) ? this.places[message.name] : undefined;
    if (place) this.ways.select(place);
  }

  lit() {
    return Object.keys(this.places).filter((name) => this.places[name][0] <= this.line && this.line <= this.places[name][2]);
  }

  close() {
    clearTimeout(this.waiting);
    this.asked++;
  }
}

module.exports = { Drawing, PAUSE, inside, pageOf };
