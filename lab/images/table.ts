/** What `make up` runs. `github` is a stub without a container engine, the real server with one. */
export const labImageNames = [
  "llmctl-mcp",
  "atlassian",
  "chroma",
  "google-cloud",
  "github",
  "chroma-server",
  "probe",
  "studio-embedded",
  "studio",
] as const;

/** What the stacks under `examples` run beside those; only their tests ask for them. */
export const exampleImageNames = [
  "google-workspace",
  "fastmcp",
  "todo",
  "observer",
  "mesh-registry",
  "mesh-agent",
  "mcp-fleet",
  "kubernetes-server",
  "playwright-server",
  "argocd-server",
  "memory-server",
] as const;

export const imageNames = [...labImageNames, ...exampleImageNames] as const;

export type ImageName = (typeof imageNames)[number];

/** The parts images are put together from; each is one layer, built and stored once. */
export const layerNames = [
  "debian",
  "fastmcp",
  "chroma",
  "node",
  "atlassian",
  "google-workspace",
  "supergateway",
  "google-cloud",
  "llmctl-mcp",
  "chroma-server",
  "gcloud-stub",
  "github-stub",
  "embedded-entry",
  "probe",
  "studio",
  "todo",
  "observer",
  "cli",
  "mesh-registry",
  "mesh-agent",
  "mesh-agents",
  "example-servers",
] as const;

export type LayerName = (typeof layerNames)[number];

/** What an image runs when the pod says nothing, and what it is made of. */
export interface ImageSpec {
  readonly layers: readonly LayerName[];
  readonly entrypoint: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** The signal that asks it to end. Default SIGTERM. */
  readonly stopSignal?: string;
  /** One sentence for the image's label; stand-ins and stubs say that they are. */
  readonly description: string;
}

const bridge = (stdio: string): Pick<ImageSpec, "entrypoint" | "args" | "port"> => ({
  entrypoint: ["supergateway"],
  args: [
    // `exec`: the shell that supergateway starts becomes the server, one process less for each request.
    ...["--stdio", `exec ${stdio}`, "--outputTransport", "streamableHttp", "--port", "8000"],
    ...["--streamableHttpPath", "/mcp", "--healthEndpoint", "/healthz", "--logLevel", "none"],
  ],
  port: 8000,
});

const nodeApp = (file: string): Pick<ImageSpec, "entrypoint"> => ({ entrypoint: ["node", file] });

const exampleEnv = { PATH: "/opt/example-servers/node_modules/.bin:/usr/local/bin:/usr/bin:/bin" };

/** A server of examples/servers, as its publisher has it on npm. */
const exampleServer = (program: string): ImageSpec => ({
  layers: ["debian", "node", "example-servers"],
  entrypoint: [program],
  env: exampleEnv,
  description: `${program} of npm, for the stack file of that server under examples/servers`,
});

/**
 * Layers come in one order everywhere, the large and shared ones first, so that containerd unpacks
 * a common beginning once.
 */
export const imageSpecs: Readonly<Record<ImageName, ImageSpec>> = {
  "llmctl-mcp": {
    layers: ["debian", "node", "llmctl-mcp"],
    entrypoint: ["mcp-server-everything"],
    args: ["streamableHttp"],
    env: { PORT: "9020" },
    port: 9020,
    // As process 1 it would sit out SIGTERM until it is killed; it ends cleanly on this one.
    stopSignal: "SIGINT",
    description: "Lab stand-in for the private llmctl-mcp image: server-everything",
  },
  atlassian: {
    layers: ["debian", "atlassian"],
    entrypoint: ["mcp-atlassian"],
    args: [
      ...["--transport", "streamable-http", "--host", "0.0.0.0", "--port", "8000"],
      ...["--path", "/mcp", "--stateless"],
    ],
    port: 8000,
    description: "mcp-atlassian over streamable HTTP",
  },
  chroma: {
    layers: ["debian", "chroma", "node", "supergateway"],
    ...bridge("chroma-mcp"),
    description: "chroma-mcp behind supergateway",
  },
  "google-cloud": {
    layers: ["debian", "node", "supergateway", "google-cloud", "gcloud-stub"],
    ...bridge("gcloud-mcp"),
    env: { CLOUDSDK_CONFIG: "/tmp/gcloud", CLOUDSDK_CORE_DISABLE_PROMPTS: "1" },
    description: "gcloud-mcp behind supergateway, with a lab stub of gcloud",
  },
  github: {
    layers: ["debian", "node", "supergateway", "github-stub"],
    ...bridge("github-mcp-server stdio"),
    description: "Lab stub of the GitHub MCP server behind supergateway",
  },
  "chroma-server": {
    layers: ["debian", "chroma", "chroma-server"],
    entrypoint: ["chroma"],
    args: ["run", "--host", "0.0.0.0", "--port", "8000", "--path", "/data"],
    port: 8000,
    description: "A Chroma database for the lab",
  },
  probe: {
    layers: ["debian", "node", "probe"],
    ...nodeApp("/app/mcp-probe.js"),
    description: "mcp-probe: asks MCP servers whether they answer",
  },
  "studio-embedded": {
    layers: [
      ...(["debian", "chroma", "node", "atlassian", "google-cloud", "llmctl-mcp"] as const),
      ...(["gcloud-stub", "github-stub", "embedded-entry", "studio"] as const),
    ],
    ...nodeApp("/app/studio.js"),
    port: 8080,
    description: "The lab's Studio with its MCP servers bundled as child processes",
  },
  studio: {
    layers: ["debian", "node", "studio"],
    ...nodeApp("/app/studio.js"),
    port: 8080,
    description: "The lab's Studio without bundled MCP servers",
  },
  "google-workspace": {
    layers: ["debian", "google-workspace"],
    entrypoint: ["workspace-mcp"],
    args: ["--transport", "streamable-http"],
    env: { WORKSPACE_MCP_HOST: "0.0.0.0" },
    port: 8000,
    description: "workspace-mcp over streamable HTTP",
  },
  fastmcp: {
    layers: ["debian", "fastmcp"],
    entrypoint: ["python"],
    description: "Python with FastMCP, uvicorn and psycopg",
  },
  observer: {
    layers: ["debian", "node", "observer"],
    ...nodeApp("/app/mcp-observer.js"),
    port: 9464,
    description: "The fleet's observer",
  },
  "mcp-fleet": {
    layers: ["debian", "node", "cli"],
    ...nodeApp("/app/mcp-fleet.js"),
    port: 8080,
    description: "The command line: the resource manager and the exporter",
  },
  "mesh-registry": {
    layers: ["debian", "mesh-registry"],
    entrypoint: ["mcp-mesh-registry"],
    args: ["--host", "0.0.0.0", "--port", "8000"],
    port: 8000,
    description: "MCP Mesh's own registry binary on the lab's Debian root",
  },
  "mesh-agent": {
    layers: ["debian", "mesh-agent", "mesh-agents"],
    entrypoint: ["mesh-agent"],
    port: 8080,
    description: "MCP Mesh's Python runtime with the lab's two agents",
  },
  todo: {
    layers: ["debian", "fastmcp", "todo"],
    entrypoint: ["uvicorn"],
    args: ["app.main:app", "--host", "0.0.0.0", "--port", "8000"],
    env: { PYTHONPATH: "/app" },
    port: 8000,
    description:
      "The example todo application's backend, with its MCP server as another entry point",
  },
  "kubernetes-server": exampleServer(
    "/opt/example-servers/node_modules/kubernetes-mcp-server-linux-amd64/bin/kubernetes-mcp-server-linux-amd64",
  ),
  "playwright-server": exampleServer("playwright-mcp"),
  "argocd-server": exampleServer("argocd-mcp"),
  "memory-server": {
    layers: ["debian", "node", "supergateway", "example-servers"],
    ...bridge("mcp-server-memory"),
    env: exampleEnv,
    description: "mcp-server-memory of npm behind supergateway, for its stack file",
  },
};
