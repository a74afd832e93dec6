import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, isAbsolute, join } from "node:path";
import { text } from "node:stream/consumers";

import type { Finding } from "@mcp-fleet/operations";
import { execa } from "execa";

import { secretMark } from "../../lab/database/schema";
import { cutoverRole, type StudioDatabase, studioDatabase } from "../database/row-cutover/support";
import { sendJson, type StubApi, stubApi } from "../support/api-server";
import { type CliResult, mcpFleet } from "../support/cli";
import { testEngine } from "../support/engine";
import { ScratchBackend } from "../support/scratch-backend";

const uid = "0f6b0a0e-5d0b-4c55-9a52-5a3b7b1c2d3e";

/**
 * A stub cluster: the application runs there, the identity may not create NetworkPolicies until `allowed`, and
 * nothing enforces any.
 */
async function cluster(allowed: () => boolean, image: string): Promise<StubApi> {
  const login = { auths: { [image.split("/")[0] ?? ""]: { username: "robot", password: "x" } } };
  const answers: Readonly<Record<string, object>> = {
    "/version": { gitVersion: "v1.36.1" },
    "/api/v1/namespaces/kube-system": { metadata: { name: "kube-system", uid } },
    "/api/v1/namespaces/llmctl": { metadata: { name: "llmctl" } },
    "/api/v1/namespaces/llmctl/services": {
      items: [{ metadata: { name: "llmctl-postgres" }, spec: { ports: [{ port: 5432 }] } }],
    },
    "/api/v1/namespaces/llmctl/secrets/regcred": {
      data: { ".dockerconfigjson": Buffer.from(JSON.stringify(login)).toString("base64") },
    },
    "/apis/apps/v1/deployments": {
      items: [{ metadata: { name: "llmctl-studio", namespace: "llmctl" } }],
    },
    "/apis/apps/v1/namespaces/llmctl/deployments": {
      items: [
        {
          metadata: { name: "llmctl-studio", namespace: "llmctl" },
          spec: {
            template: {
              spec: {
                containers: [{ name: "web", image }],
                imagePullSecrets: [{ name: "regcred" }],
              },
            },
          },
        },
      ],
    },
  };
  return stubApi((request, response, { pathname }) => {
    void text(request).then((body) => {
      if (pathname.endsWith("/selfsubjectreviews"))
        return sendJson(response, 201, { status: { userInfo: { username: "ann" } } });
      if (pathname.endsWith("/selfsubjectaccessreviews")) {
        const denied = body.includes('"networkpolicies"') && !allowed();
        return sendJson(response, 201, { status: { allowed: !denied } });
      }
      const answer = answers[pathname];
      sendJson(response, answer === undefined ? 404 : 200, answer ?? { message: "not found" });
    });
  });
}

/** Has one image, and records who asks for it. */
async function registry(): Promise<Server> {
  const server = createServer(({ headers, url }, response) => {
    const basic = `Basic ${Buffer.from("robot:x").toString("base64")}`;
    if (headers.authorization !== basic)
      return response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    response.writeHead(url === "/v2/studio/manifests/1.9.0" ? 200 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** From a database and a cluster to a preview that plans the rows, with the Pulumi CLI. */
describe("the first steps on a database and a cluster", function () {
  this.timeout(300_000);
  let database: StudioDatabase;
  let backend: ScratchBackend;
  let api: StubApi;
  let images: Server;
  let image: string;
  let allowed = false;
  let env: Record<string, string>;

  before(async () => {
    database = await studioDatabase({ schema: "jsonb", atlassianKey: "both" });
    await database.query(
      `revoke all on mcp_servers from ${cutoverRole}; revoke create on database ${database.name} from ${cutoverRole}`,
    );
    images = await registry();
    image = `127.0.0.1:${(images.address() as AddressInfo).port}/studio:1.9.0`;
    api = await cluster(() => allowed, image);
    backend = new ScratchBackend(await testEngine());
    backend.writeProject();
    await backend.stackOf(backend.directory, "first");
    const kubeconfig = join(backend.directory, "kubeconfig");
    writeFileSync(kubeconfig, api.kubeconfig);
    const cli = isAbsolute(backend.command) ? `${dirname(backend.command)}:` : "";
    env = { ...backend.env, PATH: `${cli}${backend.env.PATH}`, KUBECONFIG: kubeconfig };
  });
  after(async () => {
    backend.remove();
    api.die();
    images.close();
    await database.drop();
  });

  const fleet = (
    command: string,
    more: readonly string[] = [],
    url = database.db.connectionString,
  ) =>
    mcpFleet([command, "--cwd", backend.directory, "--stack", "first", ...more], {
      ...env,
      MCP_FLEET_DATABASE_URL: url,
    });

  /** The CLI itself, with the cluster that the machine has not. */
  const pulumi = (args: readonly string[], input = "") =>
    execa(backend.command, [...args, "--stack", "first", "--non-interactive"], {
      ...{ cwd: backend.directory, input, all: true, reject: false, timeout: 120_000, env },
    });

  async function doctor(): Promise<{ exitCode: number; of: (check: string) => Finding[] }> {
    const { exitCode, stdout, stderr } = await fleet("doctor", ["-o", "json"]);
    assert.match(stdout, /^\[/, stderr);
    const findings = JSON.parse(stdout) as Finding[];
    return { exitCode, of: (check) => findings.filter((one) => one.check === check) };
  }

  const states = (findings: readonly Finding[]): string[] => findings.map(({ state }) => state);

  it("init writes a stack file with what both show, and says which secrets to set", async () => {
    const said: CliResult = await fleet("init", ["--tls", "disable"], database.url);
    assert.equal(said.exitCode, 0, said.stderr);
    const settings = said.stdout.matchAll(/--path '(.*?)' --stack 'first'/g);
    for (const [, path = ""] of settings) {
      const isUrl = /^(databaseUrl|studioSecrets)/.test(path);
      const value = isUrl ? database.db.connectionString : "https://value.example.com";
      const args = ["config", "set", "--secret", "--path", path];
      const { exitCode, all } = await pulumi(args, `${value}\n`);
      assert.equal(exitCode, 0, all);
    }
    const shown = await pulumi(["config", "--json"]);
    const config = JSON.parse(shown.stdout) as Record<
      string,
      { value: string; objectValue?: unknown }
    >;
    assert.equal(config["kubernetes:context"]?.value, "stub");
    assert.deepEqual(config["mcp-fleet:allowed"]?.objectValue, {
      ...{ contexts: ["stub"], clusters: [uid], namespaces: ["llmctl"] },
    });
    assert.deepEqual(config["mcp-fleet:imagePullSecrets"]?.objectValue, ["regcred"]);
    assert.ok(!`${said.stdout}${said.stderr}`.includes(secretMark));
  });

  it("doctor names what is missing in database and cluster, with what mends it", async () => {
    const { exitCode, of } = await doctor();
    assert.equal(exitCode, 10);
    assert.deepEqual(states(of("program")), ["ok"]);
    assert.match(
      of("cluster")[0]?.said ?? "",
      new RegExp(`context stub, .*v1\\.36\\.1, kube-system ${uid}`),
    );
    assert.match(
      of("rights")[0]?.said ?? "",
      /^ann of context "stub" may not get, create, patch, delete, list, watch networkpolicies\.networking\.k8s\.io in namespace llmctl\.$/,
    );
    assert.match(
      of("rights")[0]?.fix ?? "",
      /kubectl create role mcp-fleet -n llmctl --verb=get,create,patch,delete,list,watch --resource=networkpolicies\.networking\.k8s\.io/,
    );
    assert.deepEqual(states(of("network policies")), ["unseen"]);
    assert.match(of("network policies")[0]?.fix ?? "", /verify --deny/);
    assert.ok(
      of("images").some(
        ({ state, said }) => state === "unseen" && said.startsWith("registry.example.com "),
      ),
    );
    assert.match(
      of("database rights")[0]?.fix ?? "",
      /grant select, insert, update, delete on public\.mcp_servers/,
    );
    assert.deepEqual(states(of("clock")), ["ok", "ok"]);
  });

  it("a preview is refused for the same, and grants mends it", async () => {
    const preview = ["preview"];
    const refused = await pulumi(preview);
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      refused.all,
      /has no SELECT and no INSERT and no UPDATE and no DELETE privilege on public\.mcp_servers/,
    );
    const grants = await fleet("grants");
    assert.equal(grants.exitCode, 0, grants.stderr);
    await database.query(grants.stdout);
    await database.query("drop owned by mcp_fleet_checks; drop role mcp_fleet_checks");
    const planned = await pulumi(preview);
    assert.equal(planned.exitCode, 0, planned.all);
    assert.equal(planned.all.match(/^ +rewrite /gm)?.length, 5, planned.all);
  });

  it("doctor asks the registry with the pull secret, and is content once nothing fails", async () => {
    allowed = true;
    const set = (path: string, value: string) => pulumi(["config", "set", "--path", path, value]);
    await set("mcp-fleet:studio.images.in-cluster", image);
    const content = await doctor();
    assert.equal(content.exitCode, 0);
    assert.ok(
      content.of("images").some(({ state, said }) => state === "ok" && said.startsWith(image)),
    );
    await set("mcp-fleet:studio.images.in-cluster", image.replace("1.9.0", "2.0.0"));
    const missing = await doctor();
    assert.equal(missing.exitCode, 10);
    assert.ok(
      missing
        .of("images")
        .some(({ state, said }) => state === "fail" && /no such repository or tag/.test(said)),
    );
  });
});
