"use strict";

// Bundles a program of this project, with all it imports, into one JavaScript file for Node.js 24:
//   node images/bundle.cjs packages/mcp-probe/src/cli.ts mcp-probe.js

const { readdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const { build } = require("esbuild");

const root = join(__dirname, "..");

/**
 * @param {string} source the program's file, relative to the project
 * @returns {Promise<string>} the bundle, the same text wherever the project lies
 */
async function bundle(source) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "cjs",
    external: ["pg-native"],
    // Our own packages from their sources, so that an image never holds a stale build.
    alias: Object.fromEntries(
      readdirSync(join(root, "packages")).map((name) => [
        `@mcp-fleet/${name}`,
        join(root, "packages", name, "src", "index.ts"),
      ]),
    ),
    logLevel: "error",
  });
  return outputFiles[0].text;
}

module.exports = { bundle };

if (require.main === module) {
  const [, , source, target] = process.argv;
  bundle(source).then(
    (text) => writeFileSync(target, text),
    // esbuild has said what is wrong.
    () => (process.exitCode = 1),
  );
}
