import { Resolver } from "node:dns/promises";

import { kubectl } from "./kubectl";
import { nameServers, type NetworkPlan } from "./network";
import { waitReady } from "./processes";

const labels = { "k8s-app": "kube-dns" };
const meta = { name: "coredns", namespace: "kube-system" };

/** Applies CoreDNS under the names every Kubernetes has it: pods in kube-system, Service `kube-dns`. */
export async function applyDns(plan: NetworkPlan, image: string): Promise<void> {
  const items = [...accessRules(), configMap(), service(plan), deployment(image)];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], { input: list });
}

/**
 * Waits until CoreDNS answers at its Service's address, which proves kube-proxy's rules as well.
 *
 * @throws UserError when it does not within two minutes.
 */
export async function waitDns(plan: NetworkPlan): Promise<void> {
  const wait = ["rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=90s"];
  await kubectl(wait, { timeoutSeconds: 100 });
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([plan.dnsIp]);
  const answers = async (): Promise<boolean> =>
    (await resolver.resolve4("kubernetes.default.svc.cluster.local")).includes(plan.apiServiceIp);
  await waitReady("kube-proxy", answers, 30);
}

function configMap(): unknown {
  const upstream = nameServers();
  const forward = upstream.length > 0 ? `\n    forward . ${upstream.join(" ")}` : "";
  const Corefile = `.:53 {
    errors
    health :8080 {
       lameduck 2s
    }
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 5
    }
    prometheus :9153${forward}
    cache 5
    loadbalance
}
`;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: meta, data: { Corefile } };
}

const service = (plan: NetworkPlan): unknown => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "kube-dns", namespace: "kube-system", labels },
  spec: {
    clusterIP: plan.dnsIp,
    selector: labels,
    ports: [
      { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
      { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: "dns-tcp" },
    ],
  },
});

function deployment(image: string): unknown {
  const container = {
    name: "coredns",
    image,
    imagePullPolicy: "IfNotPresent",
    args: ["-conf", "/etc/coredns/Corefile"],
    ports: [
      { name: "dns", containerPort: 53, protocol: "UDP" },
      { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
    ],
    readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: "/health", port: 8080 }, initialDelaySeconds: 30 },
    resources: { requests: { cpu: "20m", memory: "30Mi" }, limits: { memory: "128Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...meta, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: "coredns",
          priorityClassName: "system-cluster-critical",
          dnsPolicy: "Default",
          securityContext: {
            seccompProfile: { type: "RuntimeDefault" },
            // As everywhere else it listens at 53: NetworkPolicies are about the pod's port, not the Service's.
            sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "53" }],
          },
          containers: [container],
          volumes: [{ name: "config", configMap: { name: "coredns" } }],
        },
      },
    },
  };
}

function accessRules(): unknown[] {
  const watch = ["list", "watch"];
  const name = "system:coredns";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: meta },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: watch },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: watch },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name: "coredns", namespace: "kube-system" }],
    },
  ];
}
