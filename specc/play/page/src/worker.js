// The compiler in the browser: Python in a worker, which answers as `specc play` does over its web socket.

let talk = null;
const early = []; // what came before it was there

self.addEventListener("message", ({ data }) => {
  if (typeof data === "object") begin(data).catch((error) => self.postMessage({ failed: String(error?.message ?? error) }));
  else if (talk) take(data);
  else early.push(data);
});

/** Starts Python. address: where Pyodide lies; packages: of its own, or files; code: an archive with everything else. */
async function begin({ address, packages, code }) {
  const { loadPyodide } = await import(new URL("pyodide.mjs", new URL(address, self.location.href)).href);
  const pyodide = await loadPyodide({ indexURL: new URL(address, self.location.href).href });
  const [archive] = await Promise.all([
    fetch(code).then((answer) => answer.arrayBuffer()),
    pyodide.loadPackage(packages.map((one) => (one.endsWith(".whl") ? new URL(one, self.location.href).href : one)), { messageCallback() {} }),
  ]);
  pyodide.unpackArchive(archive, "zip");
  talk = pyodide.pyimport("specc.play.talk").Talk((answer) => self.postMessage(answer));
  for (const text of early) take(text);
}

function take(text) {
  talk.take(text);
}
