// Writes the bundle that travels with specc: `npm ci && npm run build` in this folder. A folder as argument takes its place.
import { build } from "esbuild";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const out = process.argv[2] ?? "../bundle";
mkdirSync(out, { recursive: true });

const result = await build({
  entryPoints: { play: "src/main.js", worker: "src/worker.js", network: "src/network.js" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none", // licences.txt has the whole of them
  metafile: true,
});
await build({ entryPoints: ["src/play.css"], outfile: join(out, "play.css"), bundle: true, minify: true, target: "chrome112" });
copyFileSync(join("src", "index.html"), join(out, "index.html"));

/** The packages of which something is in the bundle. */
function packages(inputs) {
  const found = new Set();
  for (const path of Object.keys(inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match) found.add(match[1]);
  }
  return [...found].sort();
}

/** A package's name, version and licence. */
function licence(name) {
  const folder = join("node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (!file || !existsSync(join(folder, file))) throw new Error(`${name} has no licence`);
  return `${name} ${about.version} (${about.license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

const texts = packages(result.metafile.inputs).map(licence);
const head = "play.js holds these libraries, each under its own licence.\n";
writeFileSync(join(out, "licences.txt"), [head, ...texts].join(`\n${"-".repeat(80)}\n\n`));
