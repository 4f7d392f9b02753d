// The built package: what must be inside it is there, and nothing else. Run after `npm run package`.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const zlib = require("node:zlib");

const VSIX = path.join(path.dirname(__dirname), "specc.vsix");

/** The files of a zip archive, by name, from its central directory. */
function unzipped(file) {
  const data = fs.readFileSync(file);
  const files = new Map();
  let at = data.readUInt32LE(data.lastIndexOf("PK\x05\x06", undefined, "latin1") + 16);
  while (data.readUInt32LE(at) === 0x02014b50) {
    const [size, nameLength, extraLength, commentLength] = [data.readUInt32LE(at + 20), ...[28, 30, 32].map((o) => data.readUInt16LE(at + o))];
    const local = data.readUInt32LE(at + 42);
    const start = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
    const packed = data.subarray(start, start + size);
    const name = data.toString("utf8", at + 46, at + 46 + nameLength);
    files.set(name, data.readUInt16LE(at + 10) === 8 ? zlib.inflateRawSync(packed) : packed);
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

test("the package holds the extension and no more", { skip: !fs.existsSync(VSIX) && "run `npm run package` first" }, () => {
  const files = unzipped(VSIX);
  const inside = [...files.keys()].filter((name) => name.startsWith("extension/"));
  assert.deepEqual(inside.map((name) => name.toLowerCase()).sort(), [
    "extension/dist/extension.js",
    "extension/icon.png",
    "extension/language-configuration.json",
    "extension/license.txt",
    "extension/package.json",
    "extension/readme.md",
    "extension/snippets/cnn.json",
    "extension/syntaxes/cnn.tmlanguage.json",
  ]);
  const manifest = JSON.parse(files.get("extension/package.json").toString());
  for (const part of [manifest.main, manifest.icon, ...manifest.contributes.grammars.map((one) => one.path)]) {
    assert.ok(files.has(path.posix.join("extension", part)), part);
  }
  const bundle = files.get("extension/dist/extension.js").toString();
  assert.ok(bundle.includes("textDocument/inlayHint"), "the client is bundled");
  assert.ok(!/require\("vscode-languageclient/.test(bundle), "nothing is left to be installed");
});
