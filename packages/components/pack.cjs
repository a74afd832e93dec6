"use strict";

// Packs the library into one tarball: the compiled components, and inside of them the packages of this repository that
// they use, so that nothing of ours has to be in a registry. They come from `npm run build`, like the program itself:
// program and library are never two builds.
//   node packages/components/pack.cjs <directory>     prints the tarball's path

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const { dirname, join, relative, resolve, sep } = require("node:path");

const root = join(__dirname, "..", "..");
const compiled = join(root, "dist", "components");
const scope = "@mcp-fleet/";

const manifestOf = (name) =>
  JSON.parse(fs.readFileSync(join(root, "packages", name, "package.json"), "utf8"));

/** Our packages that the components reach, and what all of them depend on besides. */
function reached() {
  const [own, others] = [new Set(), {}];
  const visit = (name) => {
    for (const [dependency, version] of Object.entries(manifestOf(name).dependencies ?? {})) {
      if (!dependency.startsWith(scope)) others[dependency] = version;
      else if (!own.has(dependency)) {
        own.add(dependency);
        visit(dependency.slice(scope.length));
      }
    }
  };
  visit("components");
  return { own: [...own].map((name) => name.slice(scope.length)), others };
}

/** Copies compiled files, whose requires of our packages become paths. */
function copy(from, to, dist, own) {
  for (const entry of fs.readdirSync(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(js|d\.ts)$/.test(entry.name)) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source));
    const here = dirname(target);
    const text = fs
      .readFileSync(source, "utf8")
      .replace(/"@mcp-fleet\/([a-z-]+)"/g, (all, name) => {
        if (!own.includes(name)) return all;
        const path = relative(here, join(dist, "own", name, "index.js"))
          .split(sep)
          .join("/");
        return JSON.stringify(path.startsWith(".") ? path : `./${path}`);
      });
    fs.mkdirSync(here, { recursive: true });
    fs.writeFileSync(target, text);
  }
}

function main(destination) {
  if (destination === undefined || !fs.existsSync(join(compiled, "index.js"))) {
    process.stderr.write(
      destination === undefined
        ? "No directory is named for the tarball.\nRun node packages/components/pack.cjs <directory>.\n"
        : "dist/components is not there.\nRun npm run build first.\n",
    );
    process.exit(1);
  }
  fs.mkdirSync(destination, { recursive: true });
  const stage = fs.mkdtempSync(join(root, "dist", "library-"));
  try {
    const { own, others } = reached();
    const { scripts: _scripts, private: _private, ...manifest } = manifestOf("components");
    const exports = { ...manifest.exports, "./runner": "./dist/own/cutover-runner/index.js" };
    fs.writeFileSync(
      join(stage, "package.json"),
      JSON.stringify({ ...manifest, files: ["dist"], exports, dependencies: others }, null, 2),
    );
    for (const file of ["README.md", join("..", "..", "LICENSE")]) {
      fs.copyFileSync(join(__dirname, file), join(stage, file.split(sep).at(-1)));
    }
    const dist = join(stage, "dist");
    copy(compiled, dist, dist, own);
    for (const name of own) {
      copy(join(root, "packages", name, "dist"), join(dist, "own", name), dist, own);
    }
    const args = ["pack", stage, "--silent", "--pack-destination", resolve(destination)];
    const packed = execFileSync("npm", args, { cwd: stage, encoding: "utf8" }).trim();
    process.stdout.write(`${join(resolve(destination), packed)}\n`);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

main(process.argv[2]);
