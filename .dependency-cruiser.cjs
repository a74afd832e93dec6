"use strict";

/* What may import what (AGENTS.md has the same as a table), and no circles. `npm run boundaries` checks it. */

/** Folder -> what else of this project it may import, as the start of a path. Its own files it always may. */
const mayImport = {
  "index.ts": ["stacks"],
  stacks: ["components", "packages"],
  components: ["packages"],
  cli: ["packages"],
  policy: ["components/core"],
  render: ["index.ts", "components", "stacks", "packages"],
  "packages/errors": [],
  "packages/metrics": [],
  "packages/schema": ["errors"],
  "packages/catalog": ["schema"],
  "packages/kube": ["errors"],
  "packages/images": ["errors", "schema"],
  "packages/telemetry": ["errors"],
  "packages/client-config": ["errors"],
  "packages/mcp-probe": ["errors"],
  "packages/row-cutover": ["errors"],
  "packages/cluster": ["errors", "kube"],
  "packages/lifecycle": ["errors", "kube", "mcp-probe"],
  "packages/manager": ["errors", "kube", "lifecycle", "telemetry"],
  "packages/cutover-runner": ["errors", "kube", "mcp-probe", "row-cutover", "telemetry"],
  "packages/engine": ["errors", "operations"],
  "packages/operations": [
    ...[
      "catalog",
      "cluster",
      "cutover-runner",
      "errors",
      "images",
      "kube",
      "lifecycle",
      "mcp-probe",
    ],
    ...["metrics", "row-cutover", "schema", "telemetry"],
  ],
  "packages/observer": ["errors", "kube", "metrics", "telemetry"],
};

const text = (path) => path.replace(/[.]/g, "\\.");
/** A package is imported by its name or, resolved, by its folder. */
const pathOf = (from, name) =>
  from.startsWith("packages/") ? `packages/${name}/` : name.endsWith(".ts") ? name : `${name}/`;
const starts = (paths) => `^(${paths.map(text).join("|")})`;

const layers = Object.entries(mayImport).map(([from, names]) => {
  const own = from.endsWith(".ts") ? from : `${from}/`;
  return {
    name: `${from} imports what it may`,
    severity: "error",
    from: { path: starts([own]) },
    to: {
      // This project's own files alone.
      path: "^(?!.*node_modules/)(?!\\.\\./)",
      pathNot: starts([own, "package.json", ...names.map((name) => pathOf(from, name))]),
      dependencyTypesNot: ["core", "npm", "npm-dev", "npm-no-pkg", "unknown"],
    },
  };
});

module.exports = {
  forbidden: [
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "nothing imports the lab, the tests and the benches",
      severity: "error",
      from: { path: "^(index\\.ts|stacks|components|cli|packages|policy|render)" },
      to: { path: "^(lab|test|bench|docs)/" },
    },
    {
      name: "nothing imports render",
      severity: "error",
      from: { path: "^(index\\.ts|stacks|components|cli|packages|policy|lab|bench)" },
      to: { path: "^render/" },
    },
    ...layers,
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    // Types too: a circle of types is one that a reader has to walk.
    tsPreCompilationDeps: true,
    // A package is used by its name, which leads to its build.
    doNotFollow: { path: "node_modules|(^|/)dist/" },
    exclude: { path: "(^|/)node_modules/" },
    combinedDependencies: true,
  },
};
