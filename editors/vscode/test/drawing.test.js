// The picture beside the text, with a server, a panel and a text that are put on.
"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { Drawing, PAUSE, pageOf } = require("../src/drawing.js");

const ANSWER = { svg: "<svg>one</svg>", places: { conv1: [1, 0, 1, 9], relu1: [2, 0, 2, 4] }, totals: "28 parameters", problem: "" };

/** A drawing whose server gives these answers, one after another; what it shows and selects is noted. */
function drawing(...answers) {
  const noted = { asked: [], shown: [], selected: [] };
  const ways = {
    uri: "file:///net.cnn",
    ask: async (params) => {
      noted.asked.push(params);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return await answer;
    },
    show: (message) => noted.shown.push(message),
    select: (place) => noted.selected.push(place),
  };
  return { noted, drawn: new Drawing(ways) };
}

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("the panel is drawn when it is ready", async () => {
  const { noted, drawn } = drawing(ANSWER);
  await drawn.told({ ready: true });
  assert.deepEqual(noted.asked, [{ uri: "file:///net.cnn" }]);
  assert.deepEqual(noted.shown, [{ svg: "<svg>one</svg>", said: "28 parameters", lit: [] }]);
});

test("several keys are one question", async () => {
  const { noted, drawn } = drawing(ANSWER);
  for (let key = 0; key < 5; key++) drawn.changed();
  await later(3 * PAUSE);
  assert.equal(noted.asked.length, 1);
});

test("an error leaves the picture of before and its places", async () => {
  const { noted, drawn } = drawing(ANSWER, { svg: null, places: {}, totals: "", problem: "" });
  await drawn.draw();
  await drawn.draw();
  assert.equal(noted.shown[1].svg, null);
  assert.match(noted.shown[1].said, /before the error/);
  await drawn.told({ name: "relu1" });
  assert.deepEqual(noted.selected, [[2, 0, 2, 4]]);
});

test("an answer that is overtaken is not shown", async () => {
  let first;
  const { noted, drawn } = drawing(new Promise((resolve) => (first = resolve)), ANSWER);
  const slow = drawn.draw();
  await drawn.draw();
  first({ ...ANSWER, svg: "<svg>old</svg>" });
  await slow;
  assert.deepEqual(noted.shown.map((one) => one.svg), ["<svg>one</svg>"]);
});

test("a question that fails shows nothing, and nothing is shown after the end", async () => {
  const failing = drawing(new Error("the text has changed"));
  await failing.drawn.draw();
  assert.deepEqual(failing.noted.shown, []);
  const { noted, drawn } = drawing(ANSWER);
  const asked = drawn.draw();
  drawn.close();
  await asked;
  assert.deepEqual(noted.shown, []);
});

test("the line of the cursor lights its boxes, a box selects its step", async () => {
  const { noted, drawn } = drawing(ANSWER);
  await drawn.draw();
  drawn.moved(2);
  drawn.moved(2);
  assert.deepEqual(noted.shown.slice(1), [{ lit: ["relu1"] }]);
  await drawn.told({ name: "conv1" });
  await drawn.told({ name: "constructor" });
  assert.deepEqual(noted.selected, [[1, 0, 1, 9]]);
});

test("the page loads nothing, and runs one script", () => {
  const page = pageOf("</style><script>bad()</script>", "abc");
  assert.match(page, /default-src 'none'/);
  assert.equal(page.match(/<script/g)?.length, 1);
  assert.match(page, /script-src 'nonce-abc'/);
  assert.notEqual(pageOf("").match(/nonce-[^']*/)?.[0], pageOf("").match(/nonce-[^']*/)?.[0]);
});
