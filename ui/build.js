// Bundles every entry in ui/src/*.js and ui/src/*.css into api/static/dist. Run by ./dev; nothing it makes is committed.
//
// An entry is a file directly in src/; what entries share lies in folders below it. Names carry a hash of their content, so that
// browsers may keep them for ever; manifest.json says which file an entry became: {"app.js": "app-XXXX.js", …}.
import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, "src");
const target = path.join(here, "..", "api", "static", "dist");

const names = (await readdir(source)).filter((name) => /\.(js|css)$/.test(name)).sort();
await rm(target, { recursive: true, force: true });
const result = await build({
  entryPoints: names.map((name) => path.join(source, name)),
  absWorkingDir: here,
  outdir: target,
  entryNames: "[name]-[hash]",
  assetNames: "assets/[name]-[hash]",
  bundle: true,
  minify: true,
  sourcemap: true,
  metafile: true,
  legalComments: "linked",
  charset: "utf8",
  format: "iife",
  target: ["chrome100", "firefox100", "safari15"],
  loader: { ".woff": "file", ".woff2": "file", ".ttf": "file", ".eot": "file", ".svg": "file", ".png": "file" },
  logLevel: "warning",
});

const manifest = {};
for (const [output, { entryPoint }] of Object.entries(result.metafile.outputs)) {
  if (entryPoint) manifest[path.basename(entryPoint)] = path.basename(output);
}
await writeFile(path.join(target, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
