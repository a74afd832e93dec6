import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { containerEngine } from "../cluster/kind";
import { run } from "../exec";
import type { Log } from "../log";
import { paths } from "../paths";
import type { BundleName } from "./bundle";
import { filesAsParts, fingerprint } from "./fingerprint";
import { type ImageName } from "./table";

/** A Dockerfile, its stage when it has several, and the committed files it copies. */
interface Recipe {
  readonly dockerfile: string;
  readonly stage?: string;
  /** The image that is its build argument BASE. */
  readonly base?: ImageName;
  readonly files: readonly string[];
  readonly bundles?: readonly BundleName[];
}

const lock = (dir: string): string[] => [`${dir}/package.json`, `${dir}/package-lock.json`];
const gateway = [...lock("images/supergateway"), "images/supergateway/supergateway"];
const chroma = ["images/chroma/requirements.txt", "images/chroma/chroma-mcp"];
const atlassian = ["images/atlassian/requirements.txt", "images/atlassian/mcp-atlassian"];
const googleWorkspace = ["requirements.txt", "workspace-mcp"].map(
  (file) => `images/google-workspace/${file}`,
);
const fastmcp = ["requirements.txt", "python", "uvicorn"].map((file) => `images/fastmcp/${file}`);
const meshAgent = ["Dockerfile", "requirements.txt", "mesh-agent"].map(
  (file) => `images/mesh-agent/${file}`,
);
const gcloud = [...lock("images/google-cloud"), "lab/images/gcloud-stub/gcloud"];
const embedded = [
  ...[...chroma, ...atlassian, ...gcloud, ...lock("lab/images/llmctl-mcp")],
  "lab/images/llmctl-mcp/run.py",
  "lab/images/github-stub/mcp-server-github",
];

const exampleServer = (stage: string): Recipe => ({
  dockerfile: "lab/images/example-servers/Dockerfile",
  stage,
  files: lock("lab/images/example-servers"),
});

const recipes: Readonly<Record<ImageName, Recipe>> = {
  "llmctl-mcp": {
    dockerfile: "lab/images/llmctl-mcp/Dockerfile",
    files: lock("lab/images/llmctl-mcp"),
  },
  atlassian: { dockerfile: "images/atlassian/Dockerfile", files: atlassian },
  chroma: {
    dockerfile: "images/chroma/Dockerfile",
    files: [...chroma, ...gateway],
  },
  "google-cloud": {
    dockerfile: "lab/images/gcloud-stub/Dockerfile",
    files: [...gcloud, ...gateway],
  },
  github: { dockerfile: "images/github/Dockerfile", files: gateway },
  "chroma-server": {
    dockerfile: "lab/images/chroma-server/Dockerfile",
    files: [...chroma, "lab/images/chroma-server/chroma"],
  },
  probe: {
    dockerfile: "images/probe/Dockerfile",
    files: ["images/probe/mcp-probe"],
    bundles: ["probe"],
  },
  "studio-embedded": {
    dockerfile: "lab/images/studio/Dockerfile",
    stage: "studio-embedded",
    files: embedded,
    bundles: ["studio", "github-stub"],
  },
  studio: {
    dockerfile: "lab/images/studio/Dockerfile",
    stage: "studio",
    files: embedded,
    bundles: ["studio"],
  },
  observer: {
    dockerfile: "images/observer/Dockerfile",
    files: [],
    bundles: ["observer"],
  },
  "mcp-fleet": {
    dockerfile: "images/mcp-fleet/Dockerfile",
    files: ["images/mcp-fleet/mcp-fleet"],
    bundles: ["cli"],
  },
  "mesh-registry": { dockerfile: "lab/images/mesh-registry/Dockerfile", files: [] },
  "mesh-agent": {
    dockerfile: "lab/images/mesh-agents/Dockerfile",
    files: [...meshAgent, "lab/images/mesh-agents/greeter.py", "lab/images/mesh-agents/caller.py"],
  },
  "google-workspace": {
    dockerfile: "images/google-workspace/Dockerfile",
    files: googleWorkspace,
  },
  "kubernetes-server": exampleServer("kubernetes-server"),
  "playwright-server": exampleServer("playwright-server"),
  "argocd-server": exampleServer("argocd-server"),
  "memory-server": {
    ...exampleServer("memory-server"),
    files: [...lock("lab/images/example-servers"), ...gateway],
  },
  fastmcp: { dockerfile: "images/fastmcp/Dockerfile", files: fastmcp },
  todo: {
    dockerfile: "examples/todo/backend/Dockerfile",
    base: "fastmcp",
    files: [
      ...["images/fastmcp/Dockerfile", ...fastmcp],
      ...["__init__", "main", "mcp_server", "tasks"].map(
        (name) => `examples/todo/backend/app/${name}.py`,
      ),
    ],
  },
};

/** The content hash of an image that a container engine builds. */
export function dockerKey(name: ImageName, bundles: Readonly<Record<BundleName, string>>): string {
  const recipe = recipes[name];
  const texts = (recipe.bundles ?? []).map((bundle) => bundles[bundle]);
  const files = filesAsParts([recipe.dockerfile, ...recipe.files]);
  return fingerprint(["docker", arch(), recipe.stage ?? "", ...files, ...texts]);
}

/**
 * Builds the named images with the container engine's command and saves them to one archive.
 *
 * @throws UserError when no container engine answers, or a build fails.
 */
export async function buildWithDocker(
  refs: ReadonlyMap<ImageName, string>,
  bundles: Readonly<Record<BundleName, string>>,
  archive: string,
  log: Log,
): Promise<void> {
  const engine = await containerEngine();
  if (engine === undefined) {
    throw new UserError(
      "The lab's images cannot be built for this cluster: no container engine answers.",
      "Start Docker or Podman, or let the lab make its own cluster by unsetting LAB_KUBECONFIG and LAB_CONTEXT.",
    );
  }
  await mkdir(paths.images, { recursive: true });
  const bundleDir = await mkdtemp(join(paths.images, "bundles-"));
  try {
    for (const [name, text] of Object.entries(bundles)) {
      await writeFile(join(bundleDir, `${name}.js`), text, { mode: 0o644 });
    }
    const build = async (name: ImageName, ref: string): Promise<void> => {
      const { dockerfile, stage, base } = recipes[name];
      const target = stage === undefined ? [] : ["--target", stage];
      const baseRef = `mcp-fleet.local/${base ?? ""}:base`;
      if (base !== undefined) await build(base, baseRef);
      const from = base === undefined ? [] : ["--build-arg", `BASE=${baseRef}`];
      const context = ["--build-context", `bundles=${bundleDir}`];
      const args = ["build", "-q", "-f", dockerfile, ...target, ...from, ...context, "-t", ref];
      await run(engine, [...args, "."], {
        cwd: paths.projectDir,
        timeoutSeconds: 1800,
        env: { DOCKER_BUILDKIT: "1" },
      });
    };
    for (const [name, ref] of refs) {
      await log.step(`Building image ${name}`, () => build(name, ref));
    }
    await log.step("Saving the images to one archive", () =>
      // Podman writes one image for each archive unless told otherwise; Docker has no such flag.
      run(
        engine,
        ["save", ...(engine === "podman" ? ["-m"] : []), "-o", archive, ...refs.values()],
        { timeoutSeconds: 900 },
      ),
    );
  } finally {
    await rm(bundleDir, { recursive: true, force: true });
  }
}
