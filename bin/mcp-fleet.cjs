#!/usr/bin/env node
"use strict";

// The command's entry: dist/cli/main.js, compiled once and cached by Node.js from the second start on.

const { existsSync } = require("node:fs");
const { join } = require("node:path");

const main = join(__dirname, "..", "dist", "cli", "main.js");
if (existsSync(main)) {
  require("../cli/compile-cache.cjs").keepCompiledCode();
  require(main);
} else {
  process.stderr.write(
    "mcp-fleet is not built: dist/cli/main.js is missing.\nRun `npm ci && npm run build`.\n",
  );
  process.exitCode = 1;
}
