import type { BundleName } from "./bundle";

/** A Dockerfile, and its inputs besides the project's files. */
export interface Recipe {
  readonly dockerfile: string;
  /** The stage to build. Default: the last. */
  readonly target?: string;
  /**
   * Contexts with programs of this project, by name: files and their programs. A context with a stage's name
   * replaces the stage.
   */
  readonly programs?: Readonly<Record<string, Readonly<Record<string, BundleName>>>>;
  /** What is made by hand for it, in the place of the project's files. */
  readonly made?:
    | "debian"
    | "node"
    | "binaries"
    | "engine"
    | "external-secrets"
    | "kind-components"
    | "kind-node";
}

/** The images of `make up`, the slowest builds first. */
export const labImageNames = [
  "chroma",
  "atlassian",
  "llmctl-mcp",
  "google-cloud",
  "github",
  "chroma-server",
  "probe",
  "studio-embedded",
  "studio",
] as const;

/** Additional images of the stacks under `examples`; only their tests need them. */
export const exampleImageNames = [
  "google-workspace",
  "fastmcp",
  "todo",
  "observer",
  "mesh-registry",
  "mesh-agents",
  "mcp-fleet",
  "runner",
  "kubernetes-server",
  "playwright-server",
  "argocd-server",
  "memory-server",
] as const;

export const imageNames = [...labImageNames, ...exampleImageNames] as const;

export type ImageName = (typeof imageNames)[number];

/** Base images; `python`, `node`, `pulumi` and the stubs replace images of registries. */
type BaseName =
  "python" | "node" | "pulumi" | "gcloud-stub" | "github-stub" | "mesh-agent" | "studio-servers";

/** Programs of `lab/go/cluster`: the bare cluster runs two of them, tests one. */
export const binaryImageNames = ["pause", "coredns", "tryout"] as const;

/** An image that a single test builds itself. */
type TestName = "external-secrets";

/** A node of kind where none can be pulled, and the images of what kubeadm starts in it. */
type KindName = "kind-node" | "kind-components" | "kind-dns";

export type RecipeName =
  ImageName | BaseName | (typeof binaryImageNames)[number] | TestName | KindName;

const shipped = (name: string): Recipe => ({ dockerfile: `images/${name}/Dockerfile` });
const ofLab = (name: string): Recipe => ({ dockerfile: `lab/images/${name}/Dockerfile` });

/** An image of `images/` whose stage `build` bundles a program; the lab has already bundled it. */
const ownProgram = (name: string, file: string, program: BundleName): Recipe => ({
  ...shipped(name),
  programs: { build: { [`build/${file}`]: program } },
});

const studio = { bundles: { "studio.js": "studio" } } as const;
const exampleServer = (target: string): Recipe => ({ ...ofLab("example-servers"), target });

const binary = (target: string): Recipe => ({ ...ofLab("binaries"), target, made: "binaries" });

const kindStage = (target: string, made: Recipe["made"]): Recipe => ({
  ...ofLab("kind-node"),
  ...{ target, made },
});

export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  pause: binary("pause"),
  coredns: binary("coredns"),
  tryout: binary("tryout"),
  "external-secrets": { ...ofLab("external-secrets"), made: "external-secrets" },
  "kind-node": kindStage("node", "kind-node"),
  "kind-components": kindStage("components", "kind-components"),
  "kind-dns": kindStage("dns", "binaries"),
  python: { ...ofLab("python"), made: "debian" },
  node: { ...ofLab("node"), made: "node" },
  pulumi: { ...ofLab("pulumi"), made: "engine" },
  "gcloud-stub": ofLab("gcloud-stub"),
  "github-stub": {
    ...ofLab("github-stub"),
    programs: { bundles: { "github-mcp-server": "github-stub" } },
  },
  "llmctl-mcp": ofLab("llmctl-mcp"),
  atlassian: shipped("atlassian"),
  chroma: shipped("chroma"),
  "google-cloud": shipped("google-cloud"),
  github: shipped("github"),
  "chroma-server": ofLab("chroma-server"),
  probe: ownProgram("probe", "mcp-probe.js", "probe"),
  "studio-servers": ofLab("studio-servers"),
  "studio-embedded": { ...ofLab("studio-embedded"), programs: studio },
  studio: { ...ofLab("studio"), programs: studio },
  "google-workspace": shipped("google-workspace"),
  fastmcp: shipped("fastmcp"),
  todo: { dockerfile: "examples/todo/backend/Dockerfile" },
  observer: ownProgram("observer", "mcp-observer.js", "observer"),
  "mcp-fleet": ownProgram("mcp-fleet", "mcp-fleet.js", "cli"),
  runner: shipped("runner"),
  "mesh-agent": shipped("mesh-agent"),
  "mesh-agents": ofLab("mesh-agents"),
  "mesh-registry": ofLab("mesh-registry"),
  "kubernetes-server": exampleServer("kubernetes-server"),
  "playwright-server": exampleServer("playwright-server"),
  "argocd-server": exampleServer("argocd-server"),
  "memory-server": exampleServer("memory-server"),
};

/** Images of the lab that replace those in a Dockerfile, by name without tag. */
export type StandIns = Readonly<Record<string, RecipeName>>;

/** With a container engine: images that the lab builds anyway, and one avoidable download of gigabytes. */
export const engineStandIns: StandIns = {
  "mcp-fastmcp": "fastmcp",
  "gcr.io/google.com/cloudsdktool/google-cloud-cli": "gcloud-stub",
};

/** Without one, no image registry is used. */
export const bareStandIns: StandIns = {
  ...engineStandIns,
  python: "python",
  node: "node",
  "pulumi/pulumi-nodejs-22": "pulumi",
  "ghcr.io/github/github-mcp-server": "github-stub",
};

/** The lab's image that replaces a reference in a Dockerfile, if any. */
export function ownImage(reference: string, standIns: StandIns): RecipeName | undefined {
  const name = reference.replace(/:[^/]*$/, "");
  const ours = /^mcp-fleet\.local\/(.+)$/.exec(name)?.[1];
  return ours === undefined ? standIns[name] : (ours as RecipeName);
}
