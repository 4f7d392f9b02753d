// The TextMate grammar beside the compiler's own lexer: every token of every spec of the gallery has the scope that
// its role implies.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const ROOT = path.dirname(__dirname);

// What a scope must begin with, by role; a grammar cannot know layers from blocks, nor names from flags, nor that
// `k3` is a name where somebody wrote `param k3 = 5`: there the language server's colours are right.
const STEP = /^entity\.name\.function\.layer/;
const CALLED = /^support\.function/; // a layer or a block with arguments as a value
const NAME = /^(variable\.other\.argument|constant\.other\.value)/;
const SCOPES = {
  keyword: [/^keyword\.(declaration|control\.(shortcut|from))/, /^variable\.language\.in/],
  layer: [STEP, NAME, CALLED],
  block: [STEP, NAME, CALLED],
  parameter: [STEP, NAME, CALLED],
  param: [STEP, NAME, CALLED],
  form: [/^keyword\.control\.form/],
  key: [/^variable\.parameter\.key/],
  option: [NAME],
  setting: [/^support\.type\.property-name\.setting/],
  function: [/^support\.function/],
  number: [/^constant\.numeric/],
  string: [/^string\.quoted/],
  operator: [/^(keyword\.operator|punctuation\.separator)/],
  comment: [/^comment\.line/],
  label: [/^entity\.name\.label/],
  "label!": [/^entity\.name\.label/],
  "block!": [/^entity\.name\.function\.block/],
  "param!": [/^variable\.other\.constant/],
  "parameter!": [/^variable\.parameter/],
  COMMA: [/^punctuation\.separator\.comma/],
  SEMICOLON: [/^punctuation\.separator\.step/],
  LPAR: [/^punctuation\.section\.parens\.begin/],
  RPAR: [/^punctuation\.section\.parens\.end/],
  LSQB: [/^punctuation\.section\.brackets\.begin/],
  RSQB: [/^punctuation\.section\.brackets\.end/],
  LBRACE: [/^punctuation\.section\.braces\.begin/],
  RBRACE: [/^punctuation\.section\.braces\.end/],
};

// What a word may look like that is something else here: a name like a size (`param k3 = 5`, `f k3` where `f` is a
// parameter that holds a layer), a name like a hole, and a number of a list of rates (`head=12.6x`).
const LOOKS = [
  [/^[kspdgx][0-9_]/, /^(param|parameter|option)$/, [...SCOPES.key, ...SCOPES.number]],
  [/^_$/, /^(param|parameter)$/, [/^variable\.language\.in/]],
  [/^[0-9.]+x$/, /^option$/, SCOPES.number],
];

async function loadGrammar() {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const file = path.join(ROOT, "syntaxes", "cnn.tmLanguage.json");
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, "utf8"), file),
  });
  return registry.loadGrammar("source.cnn");
}

/** The scopes of each character of a text, in UTF-16 units. */
function scopesOf(grammar, text) {
  const scopes = [];
  let state = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const done = grammar.tokenizeLine(line, state);
    const row = Array(line.length + 1).fill([]);
    for (const token of done.tokens) {
      row.fill(token.scopes.slice(1), token.startIndex, Math.min(token.endIndex, line.length));
    }
    scopes.push(...row);
    state = done.ruleStack;
  }
  return scopes;
}

/** Offsets in code points to offsets in UTF-16 units. */
function unitsOf(text) {
  const units = [0];
  for (const char of text) {
    units.push(units.at(-1) + char.length);
  }
  return units;
}

/** The tokens of a text that have another scope than their role implies. */
function mistakes(grammar, text, tokens) {
  const scopes = scopesOf(grammar, text);
  const units = unitsOf(text);
  const found = [];
  for (const [start, end, kind] of tokens) {
    const word = text.slice(units[start], units[end]);
    const wanted = [...(SCOPES[kind] ?? []), ...LOOKS.filter(([like, kinds]) => like.test(word) && kinds.test(kind)).flatMap((one) => one[2])];
    for (let at = units[start]; at < units[end]; at += 1) {
      const fits = wanted.some((one) => scopes[at].some((scope) => one.test(scope)));
      if (!fits) {
        const line = text.slice(0, units[start]).split("\n").length;
        found.push(`line ${line}: \`${text.slice(units[start], units[end])}\`, a ${kind}, is ${scopes[at].join(" ")}`);
        break;
      }
    }
  }
  return found;
}

function lexed() {
  const python = process.env.SPECC_PYTHON || "python3";
  const more = path.join(ROOT, "..", "..", "tests", "cases", "right");
  const files = fs.existsSync(more) ? fs.readdirSync(more).map((name) => path.join(more, name)) : [];
  const done = spawnSync(python, [path.join(__dirname, "tokens.py"), ...files], { encoding: "utf8", maxBuffer: 2 ** 28 });
  assert.equal(done.status, 0, `${python} must have specc: ${done.stderr || done.error}`);
  return JSON.parse(done.stdout);
}

test("every token of the gallery and of the compiler's own cases", async (context) => {
  const grammar = await loadGrammar();
  const specs = lexed();
  assert.ok(specs.length > 30);
  for (const { name, text, tokens } of specs) {
    await context.test(name, () => {
      assert.ok(tokens.length > 10);
      assert.deepEqual(mistakes(grammar, text, tokens), []);
    });
  }
});

test("a wrong scope is seen", async () => {
  const grammar = await loadGrammar();
  assert.equal(mistakes(grammar, "conv 64 k3", [[0, 4, "layer"], [5, 7, "number"], [8, 9, "key"]]).length, 0);
  assert.equal(mistakes(grammar, "conv 64 k3", [[0, 4, "keyword"]]).length, 1);
});

test("pieces that the gallery has not", async () => {
  const grammar = await loadGrammar();
  const cases = [
    ['train { data_dir "a # b" ; data fashion-mnist # why\n}', { '"a # b"': "string", "fashion-mnist": "option", "# why": "comment" }],
    ["conv 3 k1 weight=[\n  [1 2] # two\n  [3 4]\n] p1", { "# two": "comment", "3": "number", p: "key" }],
    ["{ relu } x2 frozen", { frozen: "option", x: "key" }],
    ["a: conv 8 k3 init=normal(0, 0.01) :: _x8x8", { a: "label!", normal: "function", init: "key", "_x8x8": "number" }],
    ["block b(out, k=(1 + 2)) { conv out k=k }", { out: "parameter!" }],
    ["# 🙂 input conv", { "# 🙂 input conv": "comment" }],
    ["residual { relu } shortcut { conv in k1 }", { shortcut: "keyword", in: "keyword" }],
    ["conv (8*2**nth) k1 x3", { "**": "operator", nth: "keyword" }],
    ["cbr 8 act=se(20, k3, act=silu)", { se: "block", "20": "number", k: "key", silu: "layer" }],
    ["e1: relu\noutputs { a: from e1 -> conv 8 k1 | b: id }", { from: "keyword", outputs: "form", a: "label!", conv: "layer" }],
    ["conv _ k_ -> relu x_", { conv: "layer", k: "key", _: "keyword" }],
    ["budget params <= 1.5M", { params: "setting", "1.5M": "number", "<=": "operator" }],
  ];
  for (const [text, wanted] of cases) {
    const tokens = Object.entries(wanted).map(([piece, kind]) => {
      const start = [...text.slice(0, text.indexOf(piece))].length;
      return [start, start + [...piece].length, kind];
    });
    assert.deepEqual(mistakes(grammar, text, tokens), [], text);
  }
});
