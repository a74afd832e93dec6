import { cp, mkdir, rm } from "node:fs/promises";
import { arch } from "node:os";
import { join } from "node:path";

import { makeRoot } from "./debian";
import {
  install,
  type LayerRecipe,
  lockOf,
  npmInstall,
  npmLayer,
  pythonLayer,
  rootExtra,
  write,
} from "./recipe";
import type { LayerName } from "./table";

/** Raise when a change in how layers are built must reach everybody's cache. */
const recipeVersion = "1";

/** Every layer and how it is made. */
export function layerRecipes(): Readonly<Record<LayerName, LayerRecipe>> {
  return {
    debian: {
      files: [],
      extra: rootExtra(),
      build: (place) => makeRoot(place.dir, place.workDir),
    },
    node: {
      files: lockOf("lab/images/node"),
      async build(place) {
        const scratch = join(place.workDir, "node");
        await npmInstall(scratch, lockOf("lab/images/node"));
        const binary = `node_modules/node-linux-${arch() === "arm64" ? "arm64" : "x64"}/bin/node`;
        await mkdir(join(place.dir, "usr/local/bin"), { recursive: true });
        await cp(join(scratch, binary), join(place.dir, "usr/local/bin/node"));
      },
    },
    fastmcp: pythonLayer("fastmcp", "python", "uvicorn"),
    chroma: pythonLayer("chroma", "chroma-mcp"),
    atlassian: pythonLayer("atlassian", "mcp-atlassian"),
    "google-workspace": pythonLayer("google-workspace", "workspace-mcp"),
    supergateway: {
      files: [...lockOf("images/supergateway"), "images/supergateway/supergateway"],
      async build(place) {
        await npmInstall(join(place.dir, "opt/supergateway"), lockOf("images/supergateway"));
        await install(place, "images/supergateway/supergateway", "usr/local/bin/supergateway");
      },
    },
    "google-cloud": npmLayer("google-cloud", "images/google-cloud", {
      name: "gcloud-mcp",
      file: "@google-cloud/gcloud-mcp/dist/bundle.js",
    }),
    "llmctl-mcp": npmLayer("llmctl-mcp", "lab/images/llmctl-mcp", {
      name: "mcp-server-everything",
      file: "@modelcontextprotocol/server-everything/dist/index.js",
    }),
    "chroma-server": {
      files: ["lab/images/chroma-server/chroma"],
      build: (place) => install(place, "lab/images/chroma-server/chroma", "usr/local/bin/chroma"),
    },
    "gcloud-stub": {
      files: ["lab/images/gcloud-stub/gcloud"],
      build: (place) => install(place, "lab/images/gcloud-stub/gcloud", "usr/local/bin/gcloud"),
    },
    "github-stub": {
      files: ["github-mcp-server", "mcp-server-github"].map(
        (bin) => `lab/images/github-stub/${bin}`,
      ),
      bundle: "github-stub",
      async build(place) {
        await write(place, "opt/github-stub/main.js", place.bundles["github-stub"]);
        for (const bin of ["github-mcp-server", "mcp-server-github"]) {
          await install(place, `lab/images/github-stub/${bin}`, `usr/local/bin/${bin}`);
        }
      },
    },
    "embedded-entry": {
      files: ["lab/images/llmctl-mcp/run.py", "images/chroma/chroma-mcp"],
      async build(place) {
        const app = "app/app/llmctl-mcp";
        await install(place, "lab/images/llmctl-mcp/run.py", `${app}/run.py`, 0o644);
        await install(place, "images/chroma/chroma-mcp", `${app}/chroma_stdio.py`, 0o644);
      },
    },
    probe: {
      files: ["images/probe/mcp-probe"],
      bundle: "probe",
      async build(place) {
        await write(place, "app/mcp-probe.js", place.bundles.probe);
        await install(place, "images/probe/mcp-probe", "usr/local/bin/mcp-probe");
      },
    },
    observer: {
      files: [],
      bundle: "observer",
      build: (place) => write(place, "app/mcp-observer.js", place.bundles.observer),
    },
    cli: {
      files: ["images/mcp-fleet/mcp-fleet"],
      bundle: "cli",
      async build(place) {
        await write(place, "app/mcp-fleet.js", place.bundles.cli);
        await install(place, "images/mcp-fleet/mcp-fleet", "usr/local/bin/mcp-fleet");
      },
    },
    "mesh-registry": {
      files: lockOf("lab/images/mesh-registry"),
      async build(place) {
        const scratch = join(place.workDir, "mesh-registry");
        await npmInstall(scratch, lockOf("lab/images/mesh-registry"));
        const binary = join(scratch, "node_modules/@mcpmesh/cli-linux-x64/bin/mcp-mesh-registry");
        await mkdir(join(place.dir, "usr/local/bin"), { recursive: true });
        await cp(binary, join(place.dir, "usr/local/bin/mcp-mesh-registry"));
        await rm(scratch, { recursive: true, force: true });
      },
    },
    "example-servers": {
      files: lockOf("lab/images/example-servers"),
      build: (place) =>
        npmInstall(join(place.dir, "opt/example-servers"), lockOf("lab/images/example-servers")),
    },
    "mesh-agent": pythonLayer("mesh-agent", "mesh-agent"),
    "mesh-agents": {
      files: meshAgents,
      async build(place) {
        for (const file of meshAgents) {
          await install(place, file, file.replace("lab/images/mesh-agents", "app"), 0o644);
        }
      },
    },
    studio: {
      files: [],
      bundle: "studio",
      build: (place) => write(place, "app/studio.js", place.bundles.studio),
    },
    todo: {
      files: todoFiles,
      async build(place) {
        for (const file of todoFiles) {
          await install(place, file, file.replace("examples/todo/backend", "app"), 0o644);
        }
      },
    },
  };
}

const meshAgents = ["greeter", "caller"].map((name) => `lab/images/mesh-agents/${name}.py`);

const todoFiles = ["__init__", "main", "mcp_server", "tasks"].map(
  (name) => `examples/todo/backend/app/${name}.py`,
);

/** What goes into a layer's cache name besides its files and bundle. */
export const recipeSalt = (name: LayerName, recipe: LayerRecipe): string[] => [
  recipeVersion,
  arch(),
  name,
  ...(recipe.extra ?? []),
];
