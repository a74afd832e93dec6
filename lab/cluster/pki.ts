import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import type { NetworkPlan } from "./network";

/** A certificate and its key, as paths of PEM files. */
interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Everything the components of the bare cluster know each other by. */
export interface Pki {
  readonly ca: string;
  readonly apiServer: KeyPair;
  readonly kubeletServer: KeyPair;
  /** The API server towards the kubelet. */
  readonly kubeletClient: KeyPair;
  readonly frontProxyCa: string;
  readonly frontProxy: KeyPair;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublic: string;
  /** Kubeconfig files of the components and of the user. */
  readonly kubeconfigs: Readonly<Record<Client, string>>;
}

type Client = "admin" | "controller-manager" | "scheduler" | "kubelet" | "kube-proxy";

/** The node's and the context's name. */
export const clusterName = "mcp-fleet-lab";
const days = "3650";

/**
 * Makes a new certificate authority and all keys of one cluster with `openssl`, in the lab's run directory.
 * The directory is readable by its owner only.
 */
export async function makePki(plan: NetworkPlan, apiUrl: string): Promise<Pki> {
  const dir = paths.pki;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const [ca, frontProxyCa] = await Promise.all([
    authority(dir, "ca"),
    authority(dir, "front-proxy-ca"),
  ]);
  const signed = (name: string, subject: string, usage: string, names = "", by = ca) =>
    certificate(
      dir,
      name,
      subject,
      `extendedKeyUsage=${usage}${names && `\nsubjectAltName=${names}`}`,
      by,
    );
  const apiNames = [
    ...["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"],
    "kubernetes.default.svc.cluster.local",
  ].map((name) => `DNS:${name}`);
  const client = (name: string, subject: string) => signed(name, subject, "clientAuth");
  const [
    apiServer,
    kubeletServer,
    kubeletClient,
    frontProxy,
    admin,
    manager,
    scheduler,
    kubelet,
    proxy,
  ] = await Promise.all([
    signed(
      "kube-apiserver",
      "/CN=kube-apiserver",
      "serverAuth",
      [...apiNames, `IP:${plan.nodeIp}`, `IP:${plan.apiServiceIp}`, "IP:127.0.0.1"].join(","),
    ),
    signed(
      "kubelet-server",
      `/CN=${clusterName}`,
      "serverAuth",
      `IP:${plan.nodeIp},DNS:${clusterName}`,
    ),
    client("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
    signed("front-proxy", "/CN=front-proxy-client", "clientAuth", "", frontProxyCa),
    client("admin", "/O=system:masters/CN=mcp-fleet-lab-admin"),
    client("controller-manager", "/CN=system:kube-controller-manager"),
    client("scheduler", "/CN=system:kube-scheduler"),
    client("kubelet", `/O=system:nodes/CN=system:node:${clusterName}`),
    client("kube-proxy", "/CN=system:kube-proxy"),
  ]);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serviceAccountKey = join(dir, "service-account.key");
  const serviceAccountPublic = join(dir, "service-account.pub");
  writeFileSync(serviceAccountKey, privateKey.export({ type: "sec1", format: "pem" }), {
    mode: 0o600,
  });
  writeFileSync(serviceAccountPublic, publicKey.export({ type: "spki", format: "pem" }));
  const kubeconfig = (
    name: Client,
    pair: KeyPair,
    file = join(dir, `${name}.kubeconfig`),
  ): string => {
    writeFileSync(file, kubeconfigText(ca.cert, apiUrl, name, pair), { mode: 0o600 });
    return file;
  };
  return {
    ca: ca.cert,
    apiServer,
    kubeletServer,
    kubeletClient,
    frontProxyCa: frontProxyCa.cert,
    frontProxy,
    serviceAccountKey,
    serviceAccountPublic,
    kubeconfigs: {
      admin: kubeconfig("admin", admin),
      "controller-manager": kubeconfig("controller-manager", manager),
      scheduler: kubeconfig("scheduler", scheduler),
      kubelet: kubeconfig("kubelet", kubelet),
      "kube-proxy": kubeconfig("kube-proxy", proxy),
    },
  };
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const openssl = (...args: string[]): Promise<string> =>
  run("openssl", args, { timeoutSeconds: 30 });

async function authority(dir: string, name: string): Promise<KeyPair> {
  const pair = { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
  const into = ["-keyout", pair.key, "-out", pair.cert];
  const use = "keyUsage=critical,keyCertSign,cRLSign,digitalSignature";
  const subject = `/CN=${clusterName}-${name}`;
  await openssl(
    "req",
    "-x509",
    ...newKey,
    ...into,
    "-days",
    days,
    "-subj",
    subject,
    "-addext",
    use,
  );
  return pair;
}

async function certificate(
  dir: string,
  name: string,
  subject: string,
  extensions: string,
  by: KeyPair,
): Promise<KeyPair> {
  const file = (suffix: string): string => join(dir, `${name}.${suffix}`);
  await openssl(
    "req",
    "-new",
    ...newKey,
    "-keyout",
    file("key"),
    "-out",
    file("csr"),
    "-subj",
    subject,
  );
  writeFileSync(
    file("ext"),
    `basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n${extensions}\n`,
  );
  // A serial of its own for each, so that several can be signed at once without a shared serial file.
  const serial = `0x${generateSerial()}`;
  const signer = ["-CA", by.cert, "-CAkey", by.key, "-set_serial", serial, "-days", days];
  await openssl(
    "x509",
    "-req",
    "-in",
    file("csr"),
    ...signer,
    "-extfile",
    file("ext"),
    "-out",
    file("crt"),
  );
  return { cert: file("crt"), key: file("key") };
}

const generateSerial = (): string => crypto.randomUUID().replaceAll("-", "").slice(1);

function kubeconfigText(ca: string, server: string, user: string, pair: KeyPair): string {
  const inline = (file: string): string => readFileSync(file).toString("base64");
  const name = clusterName;
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster: { server, "certificate-authority-data": inline(ca) } }],
      users: [
        {
          name: `${name}-${user}`,
          user: {
            "client-certificate-data": inline(pair.cert),
            "client-key-data": inline(pair.key),
          },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: `${name}-${user}` } }],
    },
    null,
    2,
  );
}
