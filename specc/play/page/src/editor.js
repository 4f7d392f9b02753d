// The text: CodeMirror with everything that the language server knows.

import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { changesOf, editsOf, offsetOf, placeOf, spanOf } from "./document.js";
import { coloursOf, looks, setColours, setShapes, shapesOf } from "./looks.js";
import { markdown } from "./markdown.js";

const KINDS = { 3: "function", 6: "variable", 7: "class", 10: "property", 14: "keyword", 20: "enum", 21: "constant" };

/**
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {import("./document.js").OpenDocument} open
 * @param {{ changed: Function, moved: Function, rename: Function }} tell
 */
export function makeEditor(parent, text, open, tell, nonce) {
  const extensions = [
    nonce ? EditorView.cspNonce.of(nonce) : [],
    lineNumbers(),
    history(),
    drawSelection(),
    EditorState.tabSize.of(2),
    indentUnit.of("  "),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    autocompletion({ override: [completions(open)] }),
    hoverTooltip(hover(open), { hoverTime: 400 }),
    looks,
    keymap.of([
      { key: "Shift-Alt-f", run: (view) => (void format(view, open), true) },
      { key: "F2", run: (view) => (void tell.rename(view), true) },
      { key: "F12", run: (view) => (void define(view, open), true) },
      ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap,
      indentWithTab,
    ]),
    EditorView.contentAttributes.of({ "aria-label": "The network's text; Escape, then Tab leaves it", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) tell.changed(update);
      if (update.docChanged || update.selectionSet) tell.moved(update.state.selection.main.head);
    }),
  ];
  return new EditorView({ parent, state: EditorState.create({ doc: text, extensions }) });
}

/** Asks for the shapes of the text as it is now, and puts them at the ends of its lines. */
export async function showShapes(view, open) {
  const end = { line: view.state.doc.lines, character: 0 };
  const hints = await open.ask("inlayHint", { range: { start: { line: 0, character: 0 }, end } });
  if (hints) view.dispatch({ effects: setShapes.of(shapesOf(view.state.doc, hints)) });
}

/** The same for its colours. legend: the names of the kinds. */
export async function showColours(view, open, legend) {
  const tokens = await open.ask("semanticTokens/full");
  if (tokens) view.dispatch({ effects: setColours.of(coloursOf(view.state.doc, tokens.data, legend)) });
}

export async function format(view, open) {
  const edits = await open.ask("formatting", { options: { tabSize: 2, insertSpaces: true } });
  if (edits?.length) view.dispatch({ changes: changesOf(view.state.doc, edits), userEvent: "input.format" });
  return edits !== null;
}

/** Gives the name at the cursor another one everywhere. Returns why not, or nothing. */
export async function rename(view, open, name) {
  const position = placeOf(view.state.doc, view.state.selection.main.head);
  const asked = { textDocument: open.textDocument, position, newName: name };
  try {
    const edit = await open.connection.request("textDocument/rename", asked);
    view.dispatch({ changes: changesOf(view.state.doc, editsOf(edit)), userEvent: "input.rename" });
  } catch (error) {
    return error.message;
  }
  return "";
}

/** The name at the cursor, where it can be renamed. */
export async function renamed(view, open) {
  const position = placeOf(view.state.doc, view.state.selection.main.head);
  return open.ask("prepareRename", { position });
}

async function define(view, open) {
  const found = await open.ask("definition", { position: placeOf(view.state.doc, view.state.selection.main.head) });
  if (found) view.dispatch({ selection: { anchor: offsetOf(view.state.doc, found.range.start) }, scrollIntoView: true });
}

function hover(open) {
  return async (view, offset) => {
    const found = await open.ask("hover", { position: placeOf(view.state.doc, offset) });
    if (!found) return null;
    const span = found.range ? spanOf(view.state.doc, found.range) : { from: offset, to: offset };
    return { pos: span.from, end: span.to, create: () => ({ dom: markdown(found.contents.value) }) };
  };
}

function completions(open) {
  return async (context) => {
    const before = context.matchBefore(/[A-Za-z_][\w-]*|[=({\[|>] ?/);
    if (!context.explicit && !before) return null;
    const { doc } = context.state;
    const found = await open.ask("completion", { position: placeOf(doc, context.pos) });
    if (!found?.items.length) return null;
    const from = Math.min(...found.items.map((item) => (item.textEdit ? offsetOf(doc, item.textEdit.range.start) : context.pos)));
    return { from, options: found.items.map(option), validFor: /^[\w-]*$/ };
  };
}

function option(item, number) {
  return {
    label: item.label,
    apply: item.textEdit?.newText ?? item.label,
    detail: item.detail ?? undefined,
    type: KINDS[item.kind] ?? "text",
    boost: -Math.min(number, 99),
    info: item.documentation ? () => markdown(item.documentation.value) : undefined,
  };
}
