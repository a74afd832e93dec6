// Mocha's spec reporter, which also writes its counts to the file named by MCP_FLEET_COUNTS.
const { writeFileSync } = require("node:fs");
const { Spec } = require("mocha").reporters;

module.exports = class CountingReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const file = process.env.MCP_FLEET_COUNTS;
      const { passes, failures, pending } = this.stats;
      if (file) writeFileSync(file, JSON.stringify({ passes, failures, pending }));
    });
  }
};
