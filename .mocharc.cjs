// No `node-option` here: it makes mocha run in a child of its own, which outlives a rung that is ended.
module.exports = {
  forbidOnly: process.env.CI === "true",
  timeout: 30_000,
};
