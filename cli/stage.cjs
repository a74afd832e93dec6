"use strict";

// Bundles the command line into one JavaScript file, which is what `npm pack` puts into the package and what
// images/mcp-fleet runs: there is nothing to install beside it. The licenses of what is in it go along.

const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const { build } = require("esbuild");

const root = join(__dirname, "..");
const dist = join(__dirname, "dist");

async function main() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["cli/main.ts"],
    outfile: join(dist, "mcp-fleet.cjs"),
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    external: ["pg-native"],
    // Names stay, so that a stack trace can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    alias: ownPackages(),
    metafile: true,
    logLevel: "error",
  });
  writeFileSync(join(dist, "LICENSES"), licenses(Object.keys(metafile.inputs)));
}

/** Our packages from their sources, so that the bundle never holds a stale build. */
function ownPackages() {
  const names = readdirSync(join(root, "packages")).filter((name) => name !== "components");
  return Object.fromEntries(
    names.map((name) => [`@mcp-fleet/${name}`, join(root, "packages", name, "src", "index.ts")]),
  );
}

/** The license text of every package that a file of the bundle is from. */
function licenses(inputs) {
  const directories = inputs.flatMap((file) => {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
    return found === null ? [] : [found[1]];
  });
  return [...new Set(directories)]
    .sort()
    .map((directory) => {
      const place = join(root, directory);
      const { name, version, license } = JSON.parse(
        readFileSync(join(place, "package.json"), "utf8"),
      );
      const file = readdirSync(place).find((one) => /^licen[cs]e/i.test(one));
      const text =
        file === undefined ? "" : `\n${readFileSync(join(place, file), "utf8").trim()}\n`;
      return `${name} ${version} (${license})\n${text}`;
    })
    .join("\n----\n\n");
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
