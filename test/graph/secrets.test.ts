import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { sendJson, type StubApi, stubApi } from "../support/api-server";
import type { Recorder } from "../support/mocks";
import { runProgram } from "../support/resources";

const externalSecret = "kubernetes:external-secrets.io/v1:ExternalSecret";
const infisicalSecret = "kubernetes:secrets.infisical.com/v1alpha1:InfisicalSecret";
const deployment = "kubernetes:apps/v1:Deployment";

/** A stack of one server with these settings. */
async function fleet(
  settings: Record<string, unknown>,
  secret: Record<string, unknown> = {},
  { kubeconfig, preview = false }: { kubeconfig?: string; preview?: boolean } = {},
): Promise<Recorder> {
  const proxmox = { image: "registry.example/proxmox:2.1.0", port: 8080, ...settings };
  const config = {
    plain: {
      ...{ namespace: "ai-platform", application: "ai-platform", createNamespace: false },
      ...{ cutover: { enabled: false }, studio: { enabled: false } },
      servers: { proxmox },
    },
    secret,
    ...(kubeconfig === undefined ? {} : { kubernetes: { kubeconfig } }),
  };
  return (await runProgram(config, { preview })).recorder;
}

function parts(recorder: Recorder): { metadata: unknown; template: Record<string, unknown> } {
  const { inputs } = recorder.one(deployment, "proxmox-mcp");
  const { template } = inputs.spec as { template: Record<string, unknown> };
  return { metadata: inputs.metadata, template };
}

function envFrom(recorder: Recorder): unknown {
  const { spec } = parts(recorder).template as { spec: { containers: { envFrom: unknown }[] } };
  return spec.containers[0]?.envFrom;
}

const labels = {
  "app.kubernetes.io/name": "proxmox-mcp",
  "app.kubernetes.io/component": "mcp-server",
  "app.kubernetes.io/part-of": "ai-platform",
  "app.kubernetes.io/managed-by": "mcp-fleet",
  "app.kubernetes.io/version": "2.1.0",
};
const metadata = { namespace: "ai-platform", labels, name: "proxmox-mcp-secrets" };
const { "app.kubernetes.io/version": _image, ...lasting } = labels;
/** The Secret is the same for another image. */
const target = {
  ...{ name: "proxmox-mcp-secrets", creationPolicy: "Owner" },
  template: { metadata: { labels: lasting } },
};

describe("a Secret that an operator makes", () => {
  it("is an ExternalSecret of named keys, there before the Deployment", async () => {
    const keys = {
      PROXMOX_TOKEN: { key: "mcp/proxmox", property: "token" },
      PROXMOX_URL: { key: "mcp/proxmox-url" },
    };
    const recorder = await fleet({ secret: { external: { store: "vault", keys } } });
    const made = recorder.one(externalSecret, "proxmox-mcp-secrets");
    assert.deepEqual(made.inputs, {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata,
      spec: {
        refreshInterval: "1h",
        secretStoreRef: { name: "vault", kind: "ClusterSecretStore" },
        target,
        data: [
          {
            secretKey: "PROXMOX_TOKEN",
            remoteRef: { key: "mcp/proxmox", property: "token" },
          },
          { secretKey: "PROXMOX_URL", remoteRef: { key: "mcp/proxmox-url" } },
        ],
      },
    });
    assert.ok(made.order < recorder.one(deployment, "proxmox-mcp").order);
    assert.deepEqual(envFrom(recorder), [{ secretRef: { name: "proxmox-mcp-secrets" } }]);
    assert.deepEqual(recorder.of("kubernetes:core/v1:Secret"), []);
  });

  it("is an ExternalSecret of a whole entry, from a store of the namespace", async () => {
    const external = {
      store: "team",
      storeKind: "SecretStore",
      refreshInterval: "5m",
      from: "mcp",
    };
    const recorder = await fleet({ secret: { external } });
    assert.deepEqual(recorder.one(externalSecret, "proxmox-mcp-secrets").inputs.spec, {
      refreshInterval: "5m",
      secretStoreRef: { name: "team", kind: "SecretStore" },
      target,
      dataFrom: [{ extract: { key: "mcp" } }],
    });
  });

  it("is an InfisicalStaticSecret that names who asks", async () => {
    const infisical = {
      authRef: { name: "platform", namespace: "infisical" },
      projectId: "3f1c",
      environment: "prod",
      path: "/mcp/proxmox",
    };
    const recorder = await fleet({ secret: { infisical } });
    const kind = "kubernetes:secrets.infisical.com/v1beta1:InfisicalStaticSecret";
    assert.deepEqual(recorder.one(kind, "proxmox-mcp-secrets").inputs.spec, {
      infisicalAuthRef: { name: "platform", namespace: "infisical" },
      syncOptions: { refreshInterval: "1m" },
      sources: [{ projectId: "3f1c", environmentSlug: "prod", secretPath: "/mcp/proxmox" }],
      targets: [
        {
          ...{ name: "proxmox-mcp-secrets", namespace: "ai-platform" },
          ...{ kind: "Secret", creationPolicy: "Owner" },
        },
      ],
    });
    assert.deepEqual((parts(recorder).metadata as { annotations: unknown }).annotations, {
      "secrets.infisical.com/auto-reload": "true",
      "mcp-fleet.dev/server": "proxmox",
    });
    assert.deepEqual(envFrom(recorder), [{ secretRef: { name: "proxmox-mcp-secrets" } }]);
  });

  it("is an InfisicalSecret whose operator restarts the pods", async () => {
    const scope = { project: "ai-platform", environment: "prod", path: "/mcp/proxmox" };
    const secretsScope = {
      projectSlug: "ai-platform",
      envSlug: "prod",
      secretsPath: "/mcp/proxmox",
    };
    const managed = [
      {
        secretName: "proxmox-mcp-secrets",
        secretNamespace: "ai-platform",
        creationPolicy: "Owner",
      },
    ];
    const byClient = await fleet({
      secret: {
        infisical: {
          ...scope,
          hostApi: "https://secrets.example.com/api",
          auth: { credentialsSecret: "infisical-auth", namespace: "infisical" },
        },
      },
    });
    assert.deepEqual(byClient.one(infisicalSecret, "proxmox-mcp-secrets").inputs, {
      apiVersion: "secrets.infisical.com/v1alpha1",
      kind: "InfisicalSecret",
      metadata,
      spec: {
        hostAPI: "https://secrets.example.com/api",
        authentication: {
          universalAuth: {
            credentialsRef: { secretName: "infisical-auth", secretNamespace: "infisical" },
            secretsScope,
          },
        },
        managedKubeSecretReferences: managed,
      },
    });
    assert.deepEqual((parts(byClient).metadata as { annotations: unknown }).annotations, {
      "secrets.infisical.com/auto-reload": "true",
      "mcp-fleet.dev/server": "proxmox",
    });
    assert.deepEqual(envFrom(byClient), [{ secretRef: { name: "proxmox-mcp-secrets" } }]);

    const auth = { identityId: "0000-1111", serviceAccount: "infisical" };
    const byAccount = await fleet({ secret: { infisical: { ...scope, auth } } });
    assert.deepEqual(byAccount.one(infisicalSecret, "proxmox-mcp-secrets").inputs.spec, {
      authentication: {
        kubernetesAuth: {
          identityId: "0000-1111",
          serviceAccountRef: { name: "infisical", namespace: "ai-platform" },
          secretsScope,
        },
      },
      managedKubeSecretReferences: managed,
    });
  });

  it("takes a transform", async () => {
    const recorder = await fleet({
      secret: { external: { store: "vault", from: "mcp" } },
      transform: { externalSecret: { spec: { refreshPolicy: "OnChange" } } },
    });
    const { spec } = recorder.one(externalSecret, "proxmox-mcp-secrets").inputs;
    assert.equal((spec as { refreshPolicy: unknown }).refreshPolicy, "OnChange");
  });
});

describe("the pods of a server with a Secret", () => {
  it("roll by a text of the user's where the content is not ours", async () => {
    const annotations = async (secretVersion?: unknown): Promise<unknown> => {
      const version = secretVersion === undefined ? {} : { secretVersion };
      const { template } = parts(await fleet({ secret: "proxmox-token", ...version }));
      return (template.metadata as { annotations?: unknown }).annotations;
    };
    assert.equal(await annotations(), undefined);
    assert.deepEqual(await annotations(7), { "mcp-fleet.dev/secret-version": "7" });
  });

  describe("that External Secrets makes", () => {
    let api: StubApi | undefined;
    afterEach(() => api?.die());
    const external = { external: { store: "vault", from: "mcp" } };

    /** The pods' annotations where the operator has made the Secret, or has not. */
    const annotations = async (
      made: boolean,
      more: Record<string, unknown> = {},
      preview = false,
    ): Promise<unknown> => {
      api = await stubApi((request, response, { pathname }) => {
        if (pathname === "/apis/external-secrets.io/v1")
          return sendJson(response, 200, { resources: [{ kind: "ExternalSecret" }] });
        if (pathname.endsWith("/externalsecrets/proxmox-mcp-secrets")) {
          const status = made ? { syncedResourceVersion: "1-abc" } : {};
          return sendJson(response, 200, { metadata: { generation: 1 }, status });
        }
        if (request.method === "POST") return sendJson(response, 404, { message: "not found" });
        if (!pathname.endsWith("/secrets/proxmox-mcp-secrets"))
          return sendJson(response, 200, { items: [] });
        assert.match(request.headers.accept ?? "", /as=PartialObjectMetadata/);
        sendJson(response, 200, { metadata: { resourceVersion: "4711" } });
      });
      const { kubeconfig } = api;
      const recorder = await fleet({ secret: external, ...more }, {}, { kubeconfig, preview });
      const { metadata } = parts(recorder).template as { metadata: { annotations?: unknown } };
      return metadata.annotations;
    };

    it("roll by its version, of which only metadata is read, beside a transform too", async () => {
      const transform = { deployment: { metadata: { annotations: { "example.com/a": "b" } } } };
      const rolled = { "mcp-fleet.dev/secret-version": "4711" };
      assert.deepEqual(await annotations(true), rolled);
      assert.deepEqual(await annotations(true, { transform }), rolled);
    });

    it("are not known to a preview before it is made", async () => {
      assert.deepEqual(await annotations(true, {}, true), {
        "mcp-fleet.dev/secret-version": "4711",
      });
      const unknown = await annotations(false, {}, true);
      assert.notDeepEqual(unknown, {});
      assert.doesNotMatch(JSON.stringify(unknown ?? null), /4711/);
    });

    it("roll by a secretVersion alone where there is one", async () => {
      assert.deepEqual(await annotations(true, { secretVersion: "7" }), {
        "mcp-fleet.dev/secret-version": "7",
      });
    });
  });

  it("name a Secret of ours by the engine's name, which is new for new content", async () => {
    const recorder = await fleet({}, { serverSecrets: { proxmox: { TOKEN: "proxmox-secret" } } });
    const { inputs } = recorder.one("kubernetes:core/v1:Secret", "proxmox-mcp");
    assert.equal((inputs.metadata as { name?: string }).name, undefined);
    assert.ok(pulumi.runtime.isRpcSecret(inputs.stringData));
    assert.deepEqual(envFrom(recorder), [{ secretRef: { name: "proxmox-mcp-1a2b3c4d" } }]);
    assert.ok(!JSON.stringify(parts(recorder)).includes("proxmox-secret"));
  });
});
