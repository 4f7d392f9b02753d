// The text as the language server knows it: told of every change, with places in its way of counting.

export const URI = "spec:///net.cnn";

/** A place in a document from a line and a column; one behind the end of a line, or of the text, is that end. */
export function offsetOf(doc, { line, character }) {
  if (line >= doc.lines) return doc.length;
  const found = doc.line(line + 1);
  return Math.min(found.from + character, found.to);
}

/** The other way round. */
export function placeOf(doc, offset) {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
}

/** What a range covers. */
export function spanOf(doc, range) {
  return { from: offsetOf(doc, range.start), to: offsetOf(doc, range.end) };
}

/** Edits of the protocol as changes of the editor. */
export function changesOf(doc, edits) {
  return edits.map((edit) => ({ ...spanOf(doc, edit.range), insert: edit.newText }));
}

/** The edits of this document that an action makes. */
export function editsOf(edit) {
  const changed = (edit?.documentChanges ?? []).filter((one) => one.textDocument?.uri === URI).flatMap((one) => one.edits);
  return [...changed, ...(edit?.changes?.[URI] ?? [])];
}

/** A document open in a server. */
export class OpenDocument {
  constructor(connection) {
    this.connection = connection;
    this.version = 0;
    this.textDocument = { uri: URI };
  }

  /** Opens it. Returns what the server can do. */
  async start(text) {
    const found = await this.connection.request("initialize", {
      processId: null,
      rootUri: null,
      capabilities: {
        general: { positionEncodings: ["utf-16"] },
        workspace: { workspaceEdit: { documentChanges: true } },
        textDocument: { publishDiagnostics: { relatedInformation: true }, hover: { contentFormat: ["markdown"] }, inlayHint: { resolveSupport: { properties: ["tooltip", "textEdits"] } } },
      },
    });
    this.connection.tell("initialized", {});
    this.version = 1;
    this.connection.tell("textDocument/didOpen", { textDocument: { uri: URI, languageId: "cnn", version: 1, text } });
    return found;
  }

  changed(text) {
    this.version += 1;
    this.connection.tell("textDocument/didChange", {
      textDocument: { uri: URI, version: this.version },
      contentChanges: [{ text }],
    });
  }

  /** An answer about the text as it is now; null where it has changed meanwhile. */
  async ask(method, more = {}) {
    const asked = this.version;
    const answer = await this.connection.ask(`textDocument/${method}`, { textDocument: this.textDocument, ...more });
    return asked === this.version ? answer : null;
  }

  /** The same for what only this page asks. */
  async askMore(method, more = {}) {
    const asked = this.version;
    const answer = await this.connection.ask(`specc/${method}`, { uri: URI, ...more });
    return asked === this.version ? answer : null;
  }
}
