// Mocha's spec reporter, which also writes its counts and what failed to the file named by MCP_FLEET_COUNTS.
const { writeFileSync } = require("node:fs");
const { Spec } = require("mocha").reporters;

module.exports = class CountingReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    runner.on("fail", (test, error) => {
      const message = String(error?.message ?? error).slice(0, 300);
      failed.push(`${test.fullTitle()}: ${message}`);
      // The whole of it comes at the end, which may be half an hour away.
      process.stdout.write(`      ${message.split("\n", 3).join("\n      ")}\n`);
    });
    runner.once("end", () => {
      const file = process.env.MCP_FLEET_COUNTS;
      const { passes, failures, pending } = this.stats;
      if (file) writeFileSync(file, JSON.stringify({ passes, failures, pending, failed }));
    });
  }
};
