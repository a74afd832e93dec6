"use strict";

// What the dynamic providers' text in state requires by name, from the program's directory. The packed library has the
// same entry (pack.cjs).
module.exports = require("@mcp-fleet/cutover-runner");
