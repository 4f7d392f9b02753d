// A run's network in the browser: onnxruntime-web in a worker, which gives what leaves each layer.

import { each, told, toldWhole } from "./stretch.js";

const MOST_ANSWERS = 5;
let ready = null;

self.addEventListener("message", async ({ data }) => {
  try {
    ready ??= begin(data.about);
    self.postMessage({ number: data.number, maps: await looked(await ready, data) });
  } catch (error) {
    self.postMessage({ number: data.number, refused: String(error?.message ?? error), helps: [] });
  }
});

/** Loads the runtime and the network. about: what the page knows of it. */
async function begin(about) {
  const address = new URL(about.runtime, self.location.href).href;
  const runtime = await import(new URL("ort.wasm.bundle.min.mjs", address).href);
  Object.assign(runtime.env.wasm, { wasmPaths: { wasm: new URL("ort-wasm-simd-threaded.wasm", address).href }, numThreads: 1 });
  const session = await runtime.InferenceSession.create(new URL("network.onnx", self.location.href).href, { executionProviders: ["wasm"] });
  return { runtime, session, about };
}

/** What each layer makes of an image, whose values are between 0 and 1. */
async function looked({ runtime, session, about }, { image, layer }) {
  const area = about.input[1] * about.input[2];
  const scaled = about.mean ? image.map((value, at) => (value - about.mean[Math.floor(at / area) % about.mean.length]) / about.deviation[Math.floor(at / area) % about.deviation.length]) : image;
  const outputs = await session.run({ input: new runtime.Tensor("float32", scaled, [1, ...about.input]) });
  const found = about.layers.map((one) => [one, outputs[one.name].dims.slice(1), outputs[one.name].data]);
  const chosen = found.find(([one]) => one.name === layer);
  return {
    layers: found.map(([one, dims, values]) => told(one, dims, values, each(found.length))),
    whole: chosen ? { ...toldWhole(...chosen), filters: about.filters[layer], called: [] } : null,
    bars: bars(about.classes, found.at(-1)[2]),
    words: [],
    truth: "",
    note: "",
  };
}

/** The likeliest classes with their probabilities. */
function bars(classes, values) {
  if (!classes.length) return [];
  const largest = Math.max(...values);
  const shares = [...values].map((value) => Math.exp(value - largest));
  const sum = shares.reduce((all, one) => all + one, 0);
  const likely = classes.map((name, at) => [name, shares[at] / sum]);
  return likely.sort((one, other) => other[1] - one[1]).slice(0, MOST_ANSWERS);
}
