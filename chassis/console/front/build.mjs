// Bundles scripts and styles, names each file by its content, and writes the manifest by which the pages find them.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");
const ICONS = JSON.parse(await readFile(join(here, "icons.json"), "utf8"));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const built = await build({
  absWorkingDir: here,
  entryPoints: { console: "src/main.ts", style: "css/main.css" },
  outdir: out,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  bundle: true,
  minify: true,
  target: ["chrome120", "firefox121", "safari17.4"],
  metafile: true,
  legalComments: "none",
});

const manifest = {};
for (const [path, output] of Object.entries(built.metafile.outputs)) {
  const name = basename(path);
  if (output.entryPoint) manifest[output.entryPoint.endsWith(".css") ? "style.css" : "console.js"] = name;
  // The one file that every page needs before its first text is drawn.
  if (name.startsWith("inter-latin-wght-normal")) manifest["inter.woff2"] = name;
}

// One file of symbols, inlined by the pages where an icon stands.
const symbols = await Promise.all(
  ICONS.map(async (name) => {
    const svg = await readFile(join(here, "node_modules", "lucide-static", "icons", `${name}.svg`), "utf8");
    const inner = svg.replace(/^[\s\S]*?<svg[\s\S]*?>/, "").replace(/<\/svg>\s*$/, "").replace(/\s+/g, " ").trim();
    return [name, inner];
  }),
);
const icons = JSON.stringify(Object.fromEntries(symbols));
const iconsName = `icons-${createHash("sha256").update(icons).digest("hex").slice(0, 8)}.json`;
await writeFile(join(out, iconsName), icons);
manifest["icons.json"] = iconsName;

await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
