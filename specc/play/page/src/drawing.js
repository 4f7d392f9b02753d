// A drawing that is kept, and takes over from the next one what differs: an element is a line of the text.

/** The elements of a drawing. Of the next text only the lines that differ are read, put in place and laid out. */
export class Drawing {
  /** @param {HTMLElement} pane */
  constructor(pane) {
    this.pane = pane;
    this.lines = [];
  }

  /**
   * Shows a text: the `<svg …>`, then a line for each element, then `</svg>`.
   * prepare: what is to be done with elements before they are shown. Returns the SVG element; null for no drawing.
   */
  take(text, prepare) {
    const [head, ...lines] = text.trimEnd().split("\n").slice(0, -1);
    const changed = lines.map((_, at) => at).filter((at) => lines[at] !== this.lines[at]);
    const markup = [head, ...changed.map((at) => lines[at]), "</svg>"].join("\n");
    const parsed = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
    if (parsed.nodeName !== "svg" || parsed.children.length !== changed.length) return null;
    prepare(parsed);
    const drawn = this.pane.firstElementChild ?? this.pane.appendChild(document.importNode(parsed, false));
    const [held, made] = [[...drawn.children], [...parsed.children]];
    changed.forEach((at, number) => {
      const element = document.importNode(made[number], true);
      if (held[at]) held[at].replaceWith(element);
      else drawn.append(element);
    });
    for (const element of held.slice(lines.length)) element.remove();
    this.lines = lines;
    this.size = { width: Number(parsed.getAttribute("width")), height: Number(parsed.getAttribute("height")) };
    return drawn;
  }
}
