import assert from "node:assert/strict";

import { type BadConfig, refusal, refusesEach } from "../support/refusal";
import { fullStack, runProgram } from "../support/resources";

const servers = fullStack.plain.servers as Record<string, Record<string, unknown>>;
const onNodePort = (nodePort: number): object => ({
  service: { type: "NodePort", nodePort, sourceRanges: ["10.20.0.0/24"] },
});
const studio = fullStack.plain.studio as object;
const studioSecrets = fullStack.secret?.studioSecrets as object;
const withServer = (key: string, settings: unknown): Readonly<Record<string, unknown>> => ({
  servers: { ...servers, [key]: settings },
});

/** A kubeconfig whose contexts refer to one cluster. */
const kubeconfigWith = (...names: string[]): string =>
  JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://c.example:6443" } }],
    users: [{ name: "u", user: {} }],
    contexts: names.map((name) => ({ name, context: { cluster: "c", user: "u" } })),
  });

const cases: BadConfig[] = [
  {
    what: "an unknown key, with the nearest known one",
    plain: { namespaces: "llmctl" },
    names: /\[namespaces\] is not a known key/,
    fix: /Did you mean "namespace"\?/,
  },
  {
    what: "an unknown key inside of a server",
    plain: withServer("github", { ...servers.github, replica: 2 }),
    names: /\[servers\.github\.replica\] is not a known key/,
    fix: /Did you mean "servers\.github\.replicas"\?/,
  },
  {
    what: "an unknown key deep down",
    plain: { cutover: { table: { name: "mcp_servers" } } },
    names: /\[cutover\.table\.name\] is not a known key/,
    fix: /known keys of cutover\.table are .*table/,
  },
  {
    what: "no namespace",
    plain: { namespace: undefined },
    names: /\[namespace\] is missing/,
    fix: /pulumi config set namespace tools$/,
  },
  {
    what: "a target that is none",
    plain: { target: "incluster" },
    names: /\[target\].*"in-cluster"\|"embedded"/,
    fix: /pulumi config set target/,
  },
  {
    what: "JSON that is none",
    plain: { servers: "{github:" },
    names: /\[servers\] is not valid JSON/,
    fix: /pulumi config rm servers; then write it/,
  },
  {
    what: "a bad server name",
    plain: withServer("My_Server", { image: "x:1", port: 80 }),
    names: /\[servers\.My_Server\].*lower-case/,
    fix: /servers\.My_Server/,
  },
  {
    what: "a key that is nearly one of the catalog",
    plain: withServer("githib", {}),
    names: /\[servers\.githib\.image\] is missing/,
    fix: /catalog's "github"/,
  },
  {
    what: "a port out of range",
    plain: withServer("github", { ...servers.github, port: 70000 }),
    names: /\[servers\.github\.port\].*1 to 65535/,
    fix: /--path servers\.github\.port/,
  },
  {
    what: "a row's path without a slash",
    plain: withServer("github", { ...servers.github, row: { path: "mcp/" } }),
    names: /\[servers\.github\.row\.path\] must start with a slash/,
    fix: /--path servers\.github\.row\.path/,
  },
  {
    what: "a row's path with a query",
    plain: withServer("github", { ...servers.github, row: { path: "/mcp?token=x" } }),
    names: /\[servers\.github\.row\.path\] .*nothing but a URL's path/,
    fix: /--path servers\.github\.row\.path/,
  },
  {
    what: "a leaf that the application cannot own",
    plain: withServer("github", { ...servers.github, row: { applicationOwns: ["transport"] } }),
    names: /\[servers\.github\.row\.applicationOwns\[0\]\].*"url"/,
    fix: /servers\.github\.row\.applicationOwns/,
  },
  {
    what: "a path without a slash",
    plain: withServer("github", { ...servers.github, path: "mcp" }),
    names: /\[servers\.github\.path\] must start with a slash/,
    fix: /--path servers\.github\.path/,
  },
  {
    what: "an image without a fixed version",
    plain: withServer("github", { image: "ghcr.io/example/github:latest" }),
    names: /\[servers\.github\.image\] "ghcr\.io\/example\/github:latest" names no fixed version/,
    fix: /Pin it by tag or digest/,
  },
  {
    what: "two servers of one name",
    plain: withServer("extra", { image: "x:1", port: 80, name: "llmctl-mcp-github" }),
    names:
      /\[servers\.github\.name\] "llmctl-mcp-github" is the Service name of servers\.extra too/,
    fix: /another name/,
  },
  {
    what: "a server with the name of another one's key",
    plain: withServer("extra", { image: "x:1", port: 80, name: "github" }),
    names: /\[servers\.extra\.name\] "github" is the key of another server/,
    fix: /another name/,
  },
  {
    what: "replicas of a server with sessions",
    plain: withServer("llmctl-mcp", { ...servers["llmctl-mcp"], replicas: 2 }),
    names: /\[servers\.llmctl-mcp\.replicas\] is above 1/,
    fix: /stateless/,
  },
  {
    what: "a missing credential",
    secret: { serverSecrets: { github: {}, atlassian: { JIRA_URL: "x" } } },
    names: /\[serverSecrets\.github\] lacks GITHUB_PERSONAL_ACCESS_TOKEN/,
    fix: /config set --secret --path serverSecrets\.github/,
  },
  {
    what: "a secret of a server that is none",
    secret: {
      serverSecrets: { ...(fullStack.secret?.serverSecrets as object), gitub: { A: "b" } },
    },
    names: /\[serverSecrets\.gitub\] belongs to no server/,
    fix: /Did you mean "serverSecrets\.github"\?/,
  },
  {
    what: "a secret in clear",
    plain: { databaseUrl: "postgresql://app:clear-secret@db/x" },
    secret: { databaseUrl: undefined },
    names: /\[databaseUrl\] is stored in plain text/,
    fix: /config set --secret databaseUrl/,
  },
  {
    what: "an encrypted key that would end up in clear",
    secret: {
      cutover: { name: "clear-secret" },
    },
    names: /\[cutover\] is encrypted, and would be stored in plain text in objects and state/,
    fix: /pulumi config rm cutover; .*serverSecrets\.<server>\.<KEY>/,
  },
  {
    what: "no database for Studio",
    secret: { studioSecrets: { OTHER: "x" } },
    names: /\[studioSecrets\.DATABASE_URL\] is missing/,
    fix: /pulumi config set --secret --path studioSecrets\.DATABASE_URL/,
  },
  {
    what: "no database",
    secret: { databaseUrl: undefined },
    names: /\[databaseUrl\] is missing/,
    fix: /config set --secret databaseUrl/,
  },
  {
    what: "a database URL that is none",
    secret: { databaseUrl: "db.example:5432/dsn-secret" },
    names: /\[databaseUrl\] is not a PostgreSQL URL/,
    fix: /postgresql:\/\/user:password@host:5432\/database/,
  },
  {
    what: "no probe image",
    plain: { probe: {} },
    names: /\[probe\.image\] is missing/,
    fix: /images\/probe/,
  },
  {
    what: "a write fence that nobody would remove",
    plain: { studio: { enabled: false } },
    names: /\[cutover\.fence\] would never be removed/,
    fix: /cutover\.fence to false/,
  },
  {
    what: "another namespace for Studio than the servers'",
    plain: { studio: { ...studio, env: { LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE: "elsewhere" } } },
    names:
      /\[studio\.env\.LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE\] is set by the program, to the names/,
    fix: /pulumi config rm --path studio\.env\.LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE/,
  },
  {
    what: "another mode for Studio, by a Secret that would win",
    secret: { studioSecrets: { ...studioSecrets, STUDIO_MODE: "embedded" } },
    names: /\[studioSecrets\.STUDIO_MODE\] is set by the program, to the target/,
    fix: /pulumi config rm --path studioSecrets\.STUDIO_MODE/,
  },
  {
    what: "an address that Studio would write into every row",
    plain: {
      studio: { ...studio, env: { LLMCTL_MCP_PUBLIC_BASE_URL: "https://mcp.example.com" } },
    },
    names: /\[studio\.env\.LLMCTL_MCP_PUBLIC_BASE_URL\] makes Studio write every row anew/,
    fix: /pulumi config rm --path studio\.env\.LLMCTL_MCP_PUBLIC_BASE_URL/,
  },
  {
    what: "a service account that is not told whom to act for",
    plain: withServer("google-workspace", {}),
    secret: {
      serverSecrets: {
        ...(fullStack.secret?.serverSecrets as object),
        "google-workspace": { GOOGLE_SERVICE_ACCOUNT_KEY_JSON: "{}" },
      },
    },
    names:
      /\[serverSecrets\.google-workspace\] lacks GOOGLE_SERVICE_ACCOUNT_KEY_JSON \+ USER_GOOGLE_EMAIL/,
    fix: /--path serverSecrets\.google-workspace/,
  },
  {
    what: "no Studio image",
    plain: { studio: {} },
    names: /\[studio\.images\] is missing/,
    fix: /studio\.enabled to false/,
  },
  {
    what: "a file out of a secret that is not there",
    plain: withServer("github", { ...servers.github, files: { "/run/key.pem": "PEM" } }),
    names: /\[servers\.github\.files\.\/run\/key\.pem\] names "PEM"/,
    fix: /serverSecrets\.github\.PEM/,
  },
  {
    what: "a role of its own through a forwarded port",
    plain: {
      database: {
        manage: {},
        connect: { portForward: { namespace: "db", service: "pg", port: 5432 } },
      },
    },
    names: /\[database\.manage\] needs a direct connection/,
    fix: /database\.connect/,
  },
  {
    what: "a namespace this stack may not use",
    plain: { allowed: { namespaces: ["ai-platform"] } },
    names: /\[namespace\] "llmctl" is not a namespace this stack may use/,
    fix: /ai-platform/,
  },
  {
    what: "a cluster this stack may not use",
    plain: { allowed: { contexts: ["agentic"] } },
    kubernetes: { context: "monit" },
    names: /\[kubernetes:context\] "monit" is not a cluster this stack may use/,
    fix: /agentic/,
  },
  {
    what: "a cluster told by a kubeconfig's content",
    plain: { allowed: { contexts: ["agentic"] } },
    kubernetes: { kubeconfig: "current-context: prod\n" },
    names: /\[kubernetes:context\] "prod"/,
    fix: /agentic/,
  },
  {
    what: "a context that the kubeconfig lacks",
    plain: {},
    kubernetes: { context: "prdo", kubeconfig: kubeconfigWith("prod", "dev") },
    names: /\[kubernetes:context\] The kubeconfig has no context "prdo"; it has prod, dev/,
    fix: /pulumi config set kubernetes:context prod/,
  },
];

describe("bad configuration", () => {
  refusesEach(cases);

  it("reports every problem at once", async () => {
    const message = await refusal({
      plain: { targett: "embedded", namespace: "Not A Name", servers: { github: { port: 0 } } },
    });
    for (const path of ["targett", "namespace", "servers.github.port"]) {
      assert.ok(message.includes(`[${path}]`), `${path} in:\n${message}`);
    }
  });

  it("reports what the schema refuses together with what does not fit together", async () => {
    const message = await refusal({
      ...fullStack,
      plain: {
        ...fullStack.plain,
        servers: {
          ...servers,
          github: { image: "registry.example/github:1.10.1", port: 70000 },
          chroma: { image: "registry.example/chroma:latest" },
          extra: { image: "x:1", port: 80, egress: { to: [{ cidr: "10.0.0.1" }] } },
        },
        probe: {},
      },
    });
    const all = ["servers.github.port", "servers.chroma.image", "probe.image"];
    for (const path of [...all, "servers.extra.egress.to[0].cidr"]) {
      assert.ok(message.includes(`[${path}]`), `${path} in:\n${message}`);
    }
    assert.match(message, /^4 things are wrong/);
  });

  it("names every mistake of a stack that has one of each kind", async () => {
    const { github: _, ...secrets } = fullStack.secret?.serverSecrets as Record<string, unknown>;
    const message = await refusal({
      ...fullStack,
      secret: { ...fullStack.secret, serverSecrets: secrets },
      plain: {
        ...fullStack.plain,
        servers: {
          ...servers,
          "llmctl-mcp": { ...servers["llmctl-mcp"], replicas: 2 },
          chroma: { image: "registry.example/chroma:latest" },
          githib: {},
          Bad_Name: { image: "x:1", port: 80 },
          high: { image: "x:1", port: 70000 },
          slash: { image: "x:1", port: 80, path: "mcp" },
          mask: { image: "x:1", port: 80, egress: { to: [{ cidr: "10.20.0.40" }] } },
          out: { image: "x:1", port: 80, ...onNodePort(30080) },
          one: { image: "x:1", port: 80, ...onNodePort(31100) },
          two: { image: "x:1", port: 80, ...onNodePort(31100) },
        },
      },
    });
    const paths = [
      ...["servers.Bad_Name", "servers.high.port", "servers.two.service.nodePort"],
      ...["servers.slash.path", "servers.out.service.nodePort", "servers.chroma.image"],
      ...["servers.githib.image", "servers.githib.port", "serverSecrets.github"],
      ...["servers.llmctl-mcp.replicas", "servers.mask.egress.to[0].cidr"],
    ];
    const named = [...message.matchAll(/^ {2}\[(\S+)\] .+\n {4}\S/gm)].map(([, path]) => path);
    assert.deepEqual(named.sort(), paths.sort(), message);
  });

  it("hands over the column whose values are the servers' keys, and none by default", async () => {
    const cutover = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";
    const asked = async (table: object): Promise<unknown> => {
      const plain = { ...fullStack.plain, cutover: { table } };
      const { recorder } = await runProgram({ ...fullStack, plain });
      return JSON.stringify(recorder.resources.find(({ type }) => type === cutover)?.inputs.spec);
    };
    const key = ["tenant_id", "server_key"];
    assert.match(String(await asked({ key, match: "server_key" })), /"match":"server_key"/);
    assert.ok(!String(await asked({ key })).includes('"match"'));
    const message = await refusal({ plain: { cutover: { table: { key, match: "" } } } });
    assert.match(message, /\[cutover\.table\.match\]/);
  });

  it("accepts numbers and booleans where an environment wants text", async () => {
    const { recorder } = await runProgram({
      ...fullStack,
      plain: {
        ...fullStack.plain,
        ...withServer("chroma", {
          ...servers.chroma,
          env: { CHROMA_PORT: 9000, CHROMA_SSL: true },
        }),
      },
    });
    const chroma = recorder.one("kubernetes:apps/v1:Deployment", "llmctl-mcp-chroma");
    const text = JSON.stringify(chroma.inputs);
    assert.ok(text.includes('{"name":"CHROMA_PORT","value":"9000"}'));
    assert.ok(text.includes('{"name":"CHROMA_SSL","value":"true"}'));
  });
});
