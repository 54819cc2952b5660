// Bundles the libraries of entry.js into stages/charts/live/vendor.js and vendor.css, and gathers
// the licences of every package that is in the bundle: `make vendor`.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = new URL("../stages/charts/live/", import.meta.url);

const made = await build({
  entryPoints: ["entry.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "vendor",
  target: "es2020",
  charset: "ascii",
  legalComments: "none", // all licences stand in a file of their own, which every page shows
  metafile: true,
  write: false,
});

const about = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
const names = new Set();
for (const path of Object.keys(made.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found) names.add(found[1]);
}
// A package's distribution holds its own dependencies already: they follow, and theirs.
for (const name of names) Object.keys(about(name).dependencies ?? {}).forEach((one) => names.add(one));

const licences = [...names].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = about(name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file`);
  const text = readFileSync(`${folder}/${file}`, "utf8").replaceAll("\r", "").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
// This one's source lies in regl-scatterplot's own files: no list of packages names it.
licences.push(
  "kdbush 4.0.2 (ISC), in regl-scatterplot\n\n" +
    "Copyright (c) 2018, Vladimir Agafonkin\n\n" +
    readFileSync("node_modules/earcut/LICENSE", "utf8").split("\n").slice(2).join("\n").trim() +
    "\n",
);

// A page holds the bundle in a script element: no text of it may close that, or open a comment.
const script = made.outputFiles[0].text
  .replaceAll("</script", "<\\/script")
  .replaceAll("<!--", "<\\!--")
  .trim();
writeFileSync(new URL("vendor.js", OUT), script + "\n");
writeFileSync(
  new URL("vendor.css", OUT),
  readFileSync("node_modules/uplot/dist/uPlot.min.css", "utf8").trim() + "\n",
);
writeFileSync(new URL("licences.txt", OUT), licences.join("\n---\n\n"));
console.log(`${[...names].sort().join(", ")}: ${script.length.toLocaleString("en")} characters`);
