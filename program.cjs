"use strict";

// Entry of the Pulumi program (`main` in package.json). The engine runs compiled JavaScript, which saves two
// seconds on every preview; this file makes sure that it is never an old build.

const { createHash } = require("node:crypto");
const { createRequire } = require("node:module");
const { spawnSync } = require("node:child_process");
const {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} = require("node:fs");
const { dirname, join, relative } = require("node:path");

const { compileCacheDirectory, keepCompiledCode } = require("./cli/compile-cache.cjs");

const root = __dirname;
const compiled = join(root, "dist", "index.js");
const stampFile = join(root, "dist", ".program-stamp");
const buildTimeoutMs = 180_000;

/** Everything the program is compiled from. Tests, lab and CLI are not: the program does not load them. */
function sources() {
  const files = ["index.ts", "tsconfig.json", "tsconfig.base.json"].map((name) => join(root, name));
  const walk = (directory) => {
    if (!existsSync(directory)) return;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.ts$/.test(entry.name) && !/\.test\.ts$/.test(entry.name)) files.push(path);
    }
  };
  walk(join(root, "components"));
  walk(join(root, "stacks"));
  const packages = join(root, "packages");
  for (const name of existsSync(packages) ? readdirSync(packages) : []) {
    walk(join(packages, name, "src"));
    files.push(join(packages, name, "tsconfig.json"), join(packages, name, "package.json"));
  }
  return files.filter((path) => existsSync(path)).sort();
}

function fingerprint(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function stamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, "utf8").trim() : "";
}

/** An error the engine prints without a stack trace. */
function userError(message) {
  return Object.assign(new Error(message), { __pulumiRunError: true });
}

/** Whether every error the compiler found is in a file the program does not load, a test's for example. */
function onlyElsewhere(output) {
  const errors = output.split("\n").filter((line) => /\berror TS\d+:/.test(line));
  const elsewhere = /^(test|lab|cli|bench|render|policy|examples)\/.*\(\d+,\d+\): error /;
  return errors.length > 0 && errors.every((line) => elsewhere.test(line));
}

function build() {
  let compiler;
  try {
    compiler = require.resolve("typescript/bin/tsc");
  } catch {
    throw userError(
      "The compiled program in dist/ is not of these sources, and TypeScript is not installed here.\n" +
        "Run `npm ci` without --omit=dev, or ship dist/ as built from this commit.",
    );
  }
  // The compiler keeps its compiled code too, and by itself where all users of the machine share it.
  const cache = compileCacheDirectory();
  const result = spawnSync(process.execPath, [compiler, "-b"], {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      ...(cache === undefined
        ? { NODE_DISABLE_COMPILE_CACHE: "1" }
        : { NODE_COMPILE_CACHE: cache }),
    },
    timeout: buildTimeoutMs,
  });
  if (result.status === 0 || onlyElsewhere(result.stdout ?? "")) return;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`
    .trim()
    .split("\n")
    .slice(0, 20)
    .join("\n");
  throw userError(
    `The program does not compile, so the build in dist/ is not of these sources:\n${said || result.error?.message}\n` +
      "Mend the sources and run `npm run build`.",
  );
}

/**
 * Stops before the engine does anything when a package is missing: a reverted checkout without `npm ci` would
 * otherwise fail half-way, once a provider's stored code requires it.
 */
function checkPackages() {
  const manifests = ["package.json"];
  const packages = join(root, "packages");
  for (const name of existsSync(packages) ? readdirSync(packages) : [])
    manifests.push(join("packages", name, "package.json"));
  const missing = new Set();
  for (const manifest of manifests) {
    const file = join(root, manifest);
    if (!existsSync(file)) continue;
    const from = createRequire(file);
    for (const name of Object.keys(JSON.parse(readFileSync(file, "utf8")).dependencies ?? {})) {
      const places = from.resolve.paths(name) ?? [];
      if (!places.some((place) => existsSync(join(place, name)))) missing.add(name);
    }
  }
  if (missing.size === 0) return;
  throw userError(
    `${missing.size === 1 ? "A package" : "Packages"} of this checkout ${missing.size === 1 ? "is" : "are"} not installed: ${[...missing].sort().join(", ")}.\n` +
      "Run `npm ci` in it, then this again; nothing was changed.",
  );
}

keepCompiledCode();
checkPackages();
const files = sources();
// A deployment that ships dist/ alone has nothing to compare it with.
if (files.some((file) => file.endsWith("index.ts"))) {
  const now = fingerprint(files);
  if (!existsSync(compiled) || stamp() !== now) {
    build();
    mkdirSync(dirname(stampFile), { recursive: true });
    writeFileSync(`${stampFile}.${process.pid}`, now);
    renameSync(`${stampFile}.${process.pid}`, stampFile);
  }
}

module.exports = require(compiled);
