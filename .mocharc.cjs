module.exports = {
  forbidOnly: process.env.CI === "true",
  timeout: 30_000,
  "node-option": ["enable-source-maps"],
};
