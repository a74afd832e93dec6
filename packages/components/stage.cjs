"use strict";

// Puts the compiled components beside this package's manifest, where `npm pack` looks for them. They are compiled with
// the rest of the project (`npm run build`), so that the program and the library are never two builds.

const { cpSync, existsSync, rmSync } = require("node:fs");
const { join } = require("node:path");

const compiled = join(__dirname, "..", "..", "dist", "components");
const staged = join(__dirname, "dist");
if (!existsSync(join(compiled, "index.js"))) {
  process.stderr.write("dist/components is not there. Run `npm run build` first.\n");
  process.exit(1);
}
rmSync(staged, { recursive: true, force: true });
cpSync(compiled, staged, {
  recursive: true,
  filter: (path) => !path.endsWith(".map"),
});
