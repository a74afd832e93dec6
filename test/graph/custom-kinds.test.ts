import assert from "node:assert/strict";
import { mock } from "node:test";

import { isUserError } from "@mcp-fleet/errors";

import { loadConfig } from "../../stacks/config";
import { wantedKinds } from "../../stacks/custom-kinds";
import { sendJson, type StubApi, stubApi } from "../support/api-server";
import { Recorder, type RecorderOptions } from "../support/mocks";
import { runProgram, setConfig, type TestConfig } from "../support/resources";

const agents = { greeter: { image: "registry.example/greeter:1.0.0" } };
const place = { project: "p", environment: "prod", path: "/mcp" };
const server = (name: string, more: object): object => ({
  ...{ source: "image", image: `registry.example/${name}:1.0.0`, port: 8000, path: "/mcp", name },
  ...more,
});

/** A stack that needs every custom kind. */
const everything = (serviceMesh: "istio" | "linkerd"): TestConfig["plain"] => ({
  ...{ namespace: "mcp-mesh", application: "mcp-mesh" },
  ...{ cutover: { enabled: false }, studio: { enabled: false } },
  mesh: {
    registry: { image: "mcpmesh/registry:3.6.0" },
    ...{ agents, defineAgents: false, serviceMesh: { kind: serviceMesh } },
  },
  observability: { enabled: true },
  servers: {
    vault: server("vault", { secret: { external: { store: "vault", from: "mcp" } } }),
    old: server("old", { secret: { infisical: { ...place, auth: { credentialsSecret: "a" } } } }),
    new: server("new", {
      secret: {
        infisical: {
          ...{ authRef: { name: "a" }, projectId: "p", environment: "prod", path: "/mcp" },
        },
      },
    }),
    named: server("named", { egress: { fqdns: ["api.github.com"] } }),
  },
});

/** A cluster with these kinds, each as `apiVersion/kind`, besides its own. */
async function clusterWith(kinds: readonly string[]): Promise<StubApi> {
  return stubApi((_request, response, { pathname }) => {
    const version = pathname.replace("/apis/", "");
    const served = kinds.filter((one) => one.startsWith(`${version}/`));
    const resources = served.map((one) => ({ kind: one.slice(version.length + 1) }));
    if (/daemonsets$/.test(pathname)) return sendJson(response, 200, { items: [] });
    if (resources.length === 0) return sendJson(response, 404, { message: "not found" });
    sendJson(response, 200, { resources });
  });
}

describe("kinds that no cluster has by itself", () => {
  let cluster: StubApi | undefined;
  afterEach(() => cluster?.die());

  const run = async (
    plain: TestConfig["plain"],
    kinds: readonly string[],
    options: RecorderOptions = {},
  ): Promise<{ recorder: Recorder }> => {
    cluster = await clusterWith(kinds);
    return runProgram({ plain, kubernetes: { kubeconfig: cluster.kubeconfig } }, options);
  };

  for (const serviceMesh of ["istio", "linkerd"] as const) {
    it(`are all known beforehand, with ${serviceMesh}`, async () => {
      const plain = everything(serviceMesh);
      await Recorder.install();
      setConfig({ plain });
      const wanted = wantedKinds(await loadConfig()).map((one) => `${one.apiVersion}/${one.kind}`);
      const { recorder } = await run(plain, wanted);
      const own =
        /^kubernetes:(core|apps|autoscaling|policy|apiextensions\.k8s\.io|[a-z.]+\.k8s\.io)\//;
      const made = recorder.resources
        .filter(({ type }) => type.startsWith("kubernetes:") && !own.test(type))
        .map(({ type }) => type.replace("kubernetes:", "").replace(":", "/"));
      assert.deepEqual([...new Set(made)].sort(), [...wanted].sort());
    });
  }

  it("are asked for before anything is made, and named with the key and who brings them", async () => {
    const made: string[] = [];
    const hold = (type: string): undefined => void made.push(type);
    await assert.rejects(
      run(everything("istio"), ["networking.istio.io/v1/DestinationRule"], { hold }),
      (error: unknown) => {
        assert.ok(isUserError(error));
        assert.equal(
          error.problem,
          "[mesh.serviceMesh.kind] needs objects of PeerAuthentication (security.istio.io/v1), VirtualService (networking.istio.io/v1), which the cluster does not know.",
        );
        assert.equal(
          error.fix,
          "Install Istio in a version that brings them, or remove mesh.serviceMesh.kind from the configuration.",
        );
        return true;
      },
    );
    assert.deepEqual(made, []);
  });

  it("are not known in a preview without a cluster, which says so and goes on", async () => {
    const warn = mock.method(console, "warn", () => undefined);
    try {
      const { recorder } = await runProgram({ plain: everything("linkerd") }, { preview: true });
      recorder.one(
        "kubernetes:linkerd.io/v1alpha2:ServiceProfile",
        "mcp-mesh-linkerd-greeter-serviceprofile",
      );
    } finally {
      warn.mock.restore();
    }
    const said = warn.mock.calls.map(({ arguments: [text] }) => String(text)).join("\n");
    assert.match(said, /Whether it has the definitions that come with Linkerd, .* is not known\./);
  });

  it("are not asked for where a stack makes none", async () => {
    const { namespace, application, cutover, studio } = everything("istio");
    const servers = { plain: server("plain", {}) };
    await run({ namespace, application, cutover, studio, servers }, []);
    const asked = cluster?.asked.filter(
      (path) => path.startsWith("/apis/") && !/daemonsets|accessreviews/.test(path),
    );
    assert.deepEqual(asked, []);
  });
});
