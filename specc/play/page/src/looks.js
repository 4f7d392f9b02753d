// What the server says of the text, in the text: colours, shapes at the line's end, marks, what belongs to a box.

import { Decoration, EditorView, WidgetType } from "@codemirror/view";
import { RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { el } from "./dom.js";
import { offsetOf } from "./document.js";

/** Decorations that an effect replaces, and that move with the text until then. */
function layer(effect) {
  return StateField.define({
    create: () => Decoration.none,
    update(held, transaction) {
      const given = transaction.effects.find((one) => one.is(effect));
      return given ? given.value : held.map(transaction.changes);
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}

export const setColours = StateEffect.define();
export const setShapes = StateEffect.define();
export const setLit = StateEffect.define();

class Shape extends WidgetType {
  constructor(label) {
    super();
    this.label = label;
  }

  eq(other) {
    return other.label === this.label;
  }

  toDOM() {
    return el("span", { class: "shape", "aria-hidden": "true" }, this.label);
  }
}

/** The protocol's packed tokens as colours. legend: the names of the kinds. */
export function coloursOf(doc, data, legend) {
  const builder = new RangeSetBuilder();
  let line = 0;
  let character = 0;
  for (let at = 0; at < data.length; at += 5) {
    const [lines, columns, length, kind] = data.slice(at, at + 4);
    character = lines ? columns : character + columns;
    line += lines;
    const from = offsetOf(doc, { line, character });
    const to = Math.min(from + length, doc.length);
    if (from < to) builder.add(from, to, Decoration.mark({ class: `tok-${legend[kind]}` }));
  }
  return builder.finish();
}

/** Inlay hints as widgets. */
export function shapesOf(doc, hints) {
  const found = hints.map((hint) => {
    const widget = new Shape(String(hint.label));
    return Decoration.widget({ widget, side: 1 }).range(offsetOf(doc, hint.position));
  });
  return Decoration.set(found, true);
}

/** The pieces of the text that belong to what is pointed at in the picture. */
export function litOf(doc, places) {
  const lines = places.filter(({ from, to }) => from < to && to <= doc.length);
  return Decoration.set(lines.map(({ from, to }) => Decoration.mark({ class: "lit" }).range(from, to)), true);
}

export const looks = [layer(setColours), layer(setShapes), layer(setLit)];
