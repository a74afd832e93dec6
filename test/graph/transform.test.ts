import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { McpServer, type McpServerArgs } from "../../components/server";
import { Studio } from "../../components/studio";
import { Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";

type Transforms = NonNullable<McpServerArgs["transform"]>;
type PodSpec = Record<string, unknown>;

const args: McpServerArgs = {
  name: "tools-mcp",
  namespace: "apps",
  application: "studio",
  image: "registry.example/tools:1.2.3",
  port: 8000,
  secret: { external: { store: "vault", storeKind: "SecretStore", from: "tools" } },
  consumers: [{ name: "web", labels: { app: "studio" } }],
  egress: {
    profile: "dns",
    to: [{ cidr: "203.0.113.0/24", except: ["203.0.113.64/26"], ports: [443] }],
    fqdns: ["api.example.com"],
  },
};

/** A pod whose fields are merged into the server's own. */
const pod = (spec: PodSpec): Transforms => ({
  deployment: { spec: { template: { spec } } },
});

/** The server's own container with more fields. */
const container =
  (fields: Record<string, unknown>): ((list?: string) => Transforms) =>
  (list = "containers") => ({
    deployment: (deployment) => {
      const changed = structuredClone(deployment) as unknown as {
        spec: { template: { spec: PodSpec } };
      };
      const { spec } = changed.spec.template;
      const [own] = spec.containers as Record<string, unknown>[];
      const merged: Record<string, unknown> = {
        ...own,
        ...fields,
        ...(list === "containers" ? {} : { name: "changed" }),
      };
      if (typeof fields.securityContext === "object")
        merged.securityContext = {
          ...(own?.securityContext as object),
          ...fields.securityContext,
        };
      spec[list] = list === "containers" ? [merged] : [...((spec[list] as []) ?? []), merged];
      return changed as never;
    },
  });
const context = (securityContext: Record<string, unknown>): Transforms =>
  container({ securityContext })();
const podContext = (securityContext: Record<string, unknown>): Transforms =>
  pod({ securityContext });
const volume = (source: Record<string, unknown>): Transforms =>
  pod({ volumes: [{ name: "more", ...source }] });

const hardened = {
  image: "registry.example/extra:1",
  securityContext: {
    ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
    capabilities: { drop: ["ALL"] },
  },
};
const at = "spec\\.template\\.spec\\.";
const inPod = `${at}securityContext\\.`;
const inContainer = `${at}containers\\[mcp-server\\]\\.`;

/** The seventeen of the issue, and their relatives; what each has to be told. */
const weaker: Readonly<Record<string, readonly [Transforms, string]>> = {
  hostIPC: [pod({ hostIPC: true }), `${at}hostIPC has to be false or left out`],
  hostPID: [pod({ hostPID: true }), `${at}hostPID`],
  "$patch: replace in a list": [
    pod({ tolerations: [{ $patch: "replace" }] }),
    `tolerations\\[0\\]\\.\\$patch has to be left out`,
  ],
  "$patch: delete of a field": [
    podContext({ $patch: "delete" }),
    `${inPod}\\$patch has to be left out`,
  ],
  "a container's name twice": [
    pod({ initContainers: [{ ...hardened, name: "mcp-server" }] }),
    `initContainers\\[mcp-server\\] has to be there once`,
  ],
  "a port's name twice": [
    container({
      ports: [
        { name: "http", containerPort: 8000, protocol: "TCP" },
        { name: "http", containerPort: 9000 },
      ],
    })(),
    `ports\\[http\\] has to be there once`,
  ],
  "a place that is taken twice": [
    pod({
      containers: [{ name: "mcp-server", volumeMounts: [{ name: "tmp", mountPath: "/tmp/" }] }],
    }),
    `volumeMounts\\[/tmp/\\] has to be there once`,
  ],
  "something else at the token's place": [
    pod({
      volumes: [{ name: "old-token", secret: { secretName: "s" } }],
      containers: [
        {
          name: "mcp-server",
          volumeMounts: [
            { name: "old-token", mountPath: "/run/secrets/kubernetes.io/serviceaccount/" },
          ],
        },
      ],
    }),
    `as they were at /var/run/secrets/kubernetes\\.io/serviceaccount`,
  ],
  "an annotation of ours": [
    {
      deployment: {
        spec: { template: { metadata: { annotations: { "mcp-fleet.dev/api-rights": "x" } } } },
      },
    },
    `annotations\\.mcp-fleet\\.dev/api-rights has to be as it was`,
  ],
  hostNetwork: [pod({ hostNetwork: true }), `${at}hostNetwork`],
  shareProcessNamespace: [pod({ shareProcessNamespace: true }), `${at}shareProcessNamespace`],
  "seccomp Unconfined": [
    podContext({ seccompProfile: { type: "Unconfined" } }),
    `seccompProfile\\.type has to be RuntimeDefault or Localhost`,
  ],
  "seccomp null": [podContext({ seccompProfile: null }), `seccompProfile\\.type`],
  "seccomp Unconfined in the container": [
    context({ seccompProfile: { type: "Unconfined" } }),
    `${inContainer}securityContext\\.seccompProfile\\.type`,
  ],
  "runAsUser 0": [podContext({ runAsUser: 0 }), `${inPod}runAsUser has to be above 0`],
  "runAsUser 0 in the container": [
    context({ runAsUser: 0 }),
    `${inContainer}securityContext\\.runAsUser`,
  ],
  "runAsUser as an output": [podContext({ runAsUser: pulumi.output(0) }), `${inPod}runAsUser`],
  "runAsNonRoot false": [podContext({ runAsNonRoot: false }), `${inPod}runAsNonRoot`],
  "runAsNonRoot false in the container": [
    context({ runAsNonRoot: false }),
    `${inContainer}securityContext\\.runAsNonRoot`,
  ],
  "added capabilities": [
    context({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }),
    `capabilities\\.add has to be left out, or NET_BIND_SERVICE alone`,
  ],
  "capabilities not dropped": [context({ capabilities: { drop: [] } }), `capabilities\\.drop`],
  privileged: [context({ privileged: true }), `securityContext\\.privileged`],
  escalation: [context({ allowPrivilegeEscalation: null }), `allowPrivilegeEscalation`],
  "a writable root": [context({ readOnlyRootFilesystem: false }), `readOnlyRootFilesystem`],
  procMount: [context({ procMount: "Unmasked" }), `procMount has to be Default or left out`],
  AppArmor: [podContext({ appArmorProfile: { type: "Unconfined" } }), `appArmorProfile\\.type`],
  "AppArmor in the container": [
    context({ appArmorProfile: { type: "Unconfined" } }),
    `${inContainer}securityContext\\.appArmorProfile\\.type`,
  ],
  "AppArmor by its annotation": [
    {
      deployment: {
        spec: {
          template: {
            metadata: {
              annotations: {
                "container.apparmor.security.beta.kubernetes.io/mcp-server": "unconfined",
              },
            },
          },
        },
      },
    },
    `spec\\.template\\.metadata\\.annotations\\.container\\.apparmor`,
  ],
  "SELinux type": [podContext({ seLinuxOptions: { type: "spc_t" } }), `seLinuxOptions\\.type`],
  "SELinux user": [context({ seLinuxOptions: { user: "system_u" } }), `seLinuxOptions\\.user`],
  hostPath: [volume({ hostPath: { path: "/" } }), `${at}volumes\\[1\\]\\.hostPath`],
  "a volume of another kind": [
    volume({ nfs: { server: "x", path: "/" } }),
    `\\.nfs has to be left`,
  ],
  "a projected token": [
    volume({
      projected: {
        sources: [{ serviceAccountToken: { path: "token", audience: "sts.example.com" } }],
      },
    }),
    `${at}volumes has to be without another token`,
  ],
  "a projected token that is not known yet": [
    volume({ projected: { sources: pulumi.output([]) } }),
    `${at}volumes`,
  ],
  "another service account": [pod({ serviceAccountName: "admin" }), `${at}serviceAccountName`],
  "another service account by its old name": [
    pod({ serviceAccount: "admin" }),
    `${at}serviceAccountName`,
  ],
  "a token that is mounted by itself": [
    pod({ automountServiceAccountToken: true }),
    `${at}automountServiceAccountToken has to be false`,
  ],
  "variables for Services": [pod({ enableServiceLinks: true }), `${at}enableServiceLinks`],
  sysctls: [
    podContext({ sysctls: [{ name: "kernel.msgmax", value: "1" }] }),
    `${inPod}sysctls\\[0\\]\\.name`,
  ],
  "supplementalGroups 0": [podContext({ supplementalGroups: [0] }), `supplementalGroups\\[0\\]`],
  "fsGroup 0": [podContext({ fsGroup: 0 }), `${inPod}fsGroup has to be above 0`],
  "runAsGroup 0": [podContext({ runAsGroup: 0 }), `${inPod}runAsGroup`],
  hostPort: [
    container({ ports: [{ containerPort: 8000, hostPort: 80 }] })(),
    `${inContainer}ports\\[0\\]\\.hostPort`,
  ],
  HostProcess: [
    podContext({ windowsOptions: { hostProcess: true } }),
    `${inPod}windowsOptions\\.hostProcess`,
  ],
  "a probe that calls another host": [
    container({ livenessProbe: { httpGet: { host: "169.254.169.254", port: 80 } } })(),
    `livenessProbe\\.httpGet\\.host`,
  ],
  "a weak init container": [
    container({ securityContext: { privileged: true } })("initContainers"),
    `${at}initContainers\\[changed\\]\\.securityContext\\.privileged`,
  ],
  "a weak ephemeral container": [
    container({ securityContext: { runAsUser: 0 } })("ephemeralContainers"),
    `${at}ephemeralContainers\\[changed\\]\\.securityContext\\.runAsUser`,
  ],
  "containers that are not known yet": [
    pod({ containers: pulumi.output([]) }),
    `${at}containers has to be a plain value`,
  ],
  "no pod at all": [
    { deployment: { spec: { template: null } } as never },
    `spec\\.template\\.spec`,
  ],
  "labels that the NetworkPolicy selects by": [
    {
      deployment: {
        spec: { template: { metadata: { labels: { "app.kubernetes.io/name": "web" } } } },
      },
    },
    `spec\\.template\\.metadata\\.labels\\.app\\.kubernetes\\.io/name`,
  ],
};

/** What a child is, and what holds others off it. */
const other: Readonly<Record<string, readonly [Transforms, RegExp]>> = {
  "a Deployment in another namespace": [
    { deployment: { metadata: { namespace: "kube-system" } } },
    /\[transform\.deployment\].*metadata\.namespace has to be "apps"/,
  ],
  "a Deployment under another name": [
    { deployment: { metadata: { name: "web" } } },
    /metadata\.name has to be "tools-mcp"/,
  ],
  "metadata that is not known yet": [
    { deployment: { metadata: pulumi.output({ namespace: "kube-system" }) } },
    /metadata\.namespace/,
  ],
  "a Service in another namespace": [
    { service: { metadata: { namespace: "kube-system" } } },
    /\[transform\.service\].*metadata\.namespace/,
  ],
  "a Service of another pod": [
    { service: { spec: { selector: { "app.kubernetes.io/name": "web" } } } },
    /spec\.selector/,
  ],
  "a Service that takes another's address": [
    { service: { spec: { externalIPs: ["203.0.113.1"] } } },
    /spec\.externalIPs has to be left out/,
  ],
  "an account with a token": [
    { serviceAccount: { automountServiceAccountToken: true } },
    /\[transform\.serviceAccount\].*automountServiceAccountToken/,
  ],
  "an ExternalSecret that is another kind": [
    {
      externalSecret: {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
      },
    },
    /\[transform\.externalSecret\].*apiVersion has to be .*kind has to be "ExternalSecret"/,
  ],
  "an ExternalSecret that writes over another Secret": [
    { externalSecret: { spec: { target: { name: "admin" } } } },
    /spec\.target\.name/,
  ],
  "a NetworkPolicy for other pods": [
    { networkPolicy: { spec: { podSelector: { matchLabels: { app: "other" } } } } },
    /\[transform\.networkPolicy\].*spec\.podSelector/,
  ],
  "a NetworkPolicy without egress": [
    { networkPolicy: { spec: { policyTypes: ["Ingress"] } } },
    /spec\.policyTypes/,
  ],
  "a NetworkPolicy that lets everybody in": [
    { networkPolicy: { spec: { ingress: [{}] } } },
    /spec\.ingress has to be no wider/,
  ],
  "a NetworkPolicy with another port": [
    {
      networkPolicy: {
        spec: {
          ingress: [
            { from: [{ podSelector: { matchLabels: { app: "studio" } } }], ports: [{ port: 22 }] },
          ],
        },
      },
    },
    /spec\.ingress/,
  ],
  "a NetworkPolicy with one more caller": [
    {
      networkPolicy: (policy) => {
        const changed = structuredClone(policy) as {
          spec: { ingress: { from: unknown[] }[] };
        };
        changed.spec.ingress[0]?.from.push({ namespaceSelector: {} });
        return changed as never;
      },
    },
    /spec\.ingress/,
  ],
  "a NetworkPolicy without its exceptions": [
    {
      networkPolicy: {
        spec: {
          egress: [
            {
              to: [{ ipBlock: { cidr: "203.0.113.0/24" } }],
              ports: [{ protocol: "TCP", port: 443 }],
            },
          ],
        },
      },
    },
    /spec\.egress/,
  ],
  "a NetworkPolicy whose rules are not known yet": [
    { networkPolicy: { spec: { egress: pulumi.output([]) } } },
    /spec\.egress/,
  ],
  "a CiliumNetworkPolicy with one more host": [
    { fqdnPolicy: { spec: { egress: [{ toEntities: ["world"] }] } } },
    /\[transform\.fqdnPolicy\].*spec\.egress/,
  ],
  "a CiliumNetworkPolicy that denies nothing": [
    { fqdnPolicy: { spec: { enableDefaultDeny: { egress: false } } } },
    /spec\.enableDefaultDeny/,
  ],
};

describe("a transform (issue 16, item 7)", () => {
  for (const [what, [transform, said]] of Object.entries(weaker)) {
    it(`is refused: ${what}`, async () => {
      await refused(transform, new RegExp(`\\[transform\\.deployment\\].*${said}`));
    });
  }
  for (const [what, [transform, said]] of Object.entries(other)) {
    it(`is refused: ${what}`, () => refused(transform, said));
  }

  async function refused(transform: Transforms, said: RegExp): Promise<void> {
    await Recorder.install();
    assert.throws(
      () => new McpServer("tools-mcp", { ...args, transform }),
      (error: unknown) => {
        assert.ok(isUserError(error), String(error));
        assert.match(error.problem, said);
        assert.match(error.problem, /^McpServer tools-mcp: /);
        assert.match(error.fix, /^Remove these fields from transform\./);
        return true;
      },
    );
  }

  it("is refused where a function changes what it was given", async () => {
    await refused(
      {
        deployment: (deployment) => {
          (deployment.metadata as { namespace: string }).namespace = "kube-system";
          return deployment;
        },
      },
      /metadata\.namespace has to be "apps"/,
    );
  });

  it("is refused for the application's pods too", async () => {
    await Recorder.install();
    const hostPath = pod({ volumes: [{ name: "host", hostPath: { path: "/" } }] }).deployment;
    assert.throws(
      () =>
        new Studio("web", {
          ...{ serviceName: "web", namespace: "apps", application: "studio", mode: "in-cluster" },
          ...{ image: "registry.example/web:1.0.0", port: 3000, secrets: {}, generation: 1 },
          ...(hostPath === undefined ? {} : { transform: { deployment: hostPath } }),
        }),
      /Studio web: \[transform\.deployment\].*volumes\[1\]\.hostPath/,
    );
  });

  it("may still do what weakens nothing", async () => {
    const recorder = await Recorder.install();
    const server = new McpServer("tools-mcp", {
      ...args,
      transform: {
        ...container({
          securityContext: {
            capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
            seccompProfile: { type: "Localhost", localhostProfile: "tools.json" },
          },
          env: [{ name: "TEAM", value: "tools" }],
        })(),
        service: { metadata: { annotations: { team: "tools" } } },
        // Less of what it was: one address in the range, and a caller with one more label.
        networkPolicy: {
          spec: {
            ingress: [
              {
                from: [{ podSelector: { matchLabels: { app: "studio", tier: "web" } } }],
                ports: [{ protocol: "TCP", port: 8000 }],
              },
            ],
            egress: [
              {
                to: [{ ipBlock: { cidr: "203.0.113.7/32" } }],
                ports: [{ protocol: "TCP", port: 443 }],
              },
            ],
          },
        },
        fqdnPolicy: { spec: { egressDeny: [{ toCIDR: ["203.0.113.9/32"] }] } },
      },
    });
    await Promise.all([promiseOf(server.workload.urn), promiseOf(server.service.urn)]);
    const { inputs } = recorder.one("kubernetes:apps/v1:Deployment", "tools-mcp");
    assert.match(JSON.stringify(inputs), /"NET_BIND_SERVICE"/);
  });
});
