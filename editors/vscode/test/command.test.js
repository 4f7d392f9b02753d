// Which command the extension starts.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { commandFor } = require("../src/command.js");

test("a setting goes first", () => {
  assert.deepEqual(commandFor("/opt/specc", "/usr/bin/python3", "/w"), { command: "/opt/specc", args: ["lsp"] });
  assert.deepEqual(commandFor("", "/usr/bin/python3", "/w"), { command: "/usr/bin/python3", args: ["-m", "specc", "lsp"] });
  assert.equal(commandFor("${workspaceFolder}/env/bin/specc", "", "/w").command, "/w/env/bin/specc");
});

test("else the folder's own environment, else the path", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "specc-"));
  try {
    assert.deepEqual(commandFor("", "", folder, "linux"), { command: "specc", args: ["lsp"] });
    const own = path.join(folder, ".venv", "bin", "specc");
    fs.mkdirSync(path.dirname(own), { recursive: true });
    fs.writeFileSync(own, "");
    assert.equal(commandFor("", "", folder, "linux").command, own);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  assert.equal(commandFor("", "", undefined).command, "specc");
});
