#!/usr/bin/env node
"use strict";

// The packed command's entry: compiled once, and cached by Node.js from the second start on.

require("./compile-cache.cjs").keepCompiledCode();
require("./dist/mcp-fleet.cjs");
