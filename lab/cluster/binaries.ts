import { existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { ensureBuilt, type GoBuild, pinnedVersion, targetOf } from "../go-modules";
import type { Log } from "../log";
import { paths } from "../paths";

/** What one binary holds under several names. */
export const components = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
  "network-policies",
  "metrics-server",
] as const;

export type BinaryName = (typeof components)[number] | "coredns" | "pause" | "tryout";

const mains = ["kubernetes", "coredns", "pause", "tryout"];

/** The Kubernetes version that go.mod pins, such as `v1.36.3`. */
export const kubernetesVersion = (): string => pinnedVersion("cluster", "k8s.io/kubernetes");

/** Tells a program of Kubernetes which version it is. */
export function versionFlag(): string {
  const version = kubernetesVersion();
  const [major = "", minor = ""] = version.slice(1).split(".");
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  const stamps = packages.flatMap((name) => [
    `-X ${name}.gitVersion=${version}`,
    `-X ${name}.gitMajor=${major}`,
    `-X ${name}.gitMinor=${minor}`,
    `-X ${name}.gitTreeState=clean`,
  ]);
  return `-ldflags=-s -w ${stamps.join(" ")}`;
}

function build(): GoBuild {
  return {
    name: "cluster",
    what: `Kubernetes ${kubernetesVersion()}, etcd, CoreDNS, kube-router's policies and the metrics server`,
    minutes: 6,
    scratchGiB: 5,
    sources: [...mains.map((name) => join(name, "main.go")), "kubernetes/policies.go"],
    packages: mains.map((name) => `./${name}`),
    output: "/",
    flags: [versionFlag()],
    finish(directory) {
      for (const name of components) symlinkSync("kubernetes", join(directory, name));
    },
  };
}

/** The directory the present sources are built into. Its name changes when any of them does. */
export const binaryDir = (): string => targetOf(build());

export const binary = (name: BinaryName): string => join(binaryDir(), name);

/**
 * Builds the cluster's binaries unless the cache holds them, and puts `kubectl` into the cache's `bin`.
 *
 * @throws UserError when Go is missing or too old, or the build fails.
 */
export async function ensureBinaries(log: Log): Promise<void> {
  if (!existsSync(binaryDir())) {
    log.title(
      "The first start builds Kubernetes, then the images: about 10 minutes on two idle cores; some 3 GB stay on disk",
    );
  }
  await ensureBuilt(build(), log);
  const link = join(paths.bin, "kubectl");
  rmSync(link, { force: true });
  symlinkSync(binary("kubectl"), link);
}
