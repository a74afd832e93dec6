import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";

import { messageOf, UserError } from "@mcp-fleet/errors";

import { onPath, run } from "../exec";
import type { Log } from "../log";
import { paths } from "../paths";

/** Where the Go module of the cluster's own binaries is. */
const source = join(paths.projectDir, "lab", "go");
/** What one binary holds under several names. */
const components = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
] as const;

export type BinaryName = (typeof components)[number] | "coredns" | "pause" | "tryout";

/** How long the first build may take, in seconds; about 6 minutes on two idle cores. */
const buildSeconds = 45 * 60;

const mains = ["kubernetes", "coredns", "pause", "tryout"];

/** The directory the present sources are built into. Its name changes when any of them does. */
export function binaryDir(): string {
  const hash = createHash("sha256");
  const files = ["go.mod", "go.sum", ...mains.map((name) => join(name, "main.go"))];
  for (const file of files) hash.update(file).update(readFileSync(join(source, file)));
  hash.update(process.arch);
  return join(paths.bin, `cluster-${hash.digest("hex").slice(0, 12)}`);
}

export const binary = (name: BinaryName): string => join(binaryDir(), name);

/** The Kubernetes version that go.mod pins, such as `v1.36.3`. */
export function kubernetesVersion(): string {
  const pinned = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(
    readFileSync(join(source, "go.mod"), "utf8"),
  );
  return pinned?.[1] ?? "v0.0.0";
}

/**
 * Builds the cluster's binaries unless the cache holds them, and puts `kubectl` into the cache's `bin`.
 *
 * @throws UserError when Go is missing or too old, or the build fails.
 */
export async function ensureBinaries(log: Log): Promise<void> {
  const target = binaryDir();
  if (!existsSync(target)) {
    await requireGo();
    log.info(
      `About to build Kubernetes ${kubernetesVersion()}, etcd and CoreDNS from their Go modules`,
    );
    await log.step("Building the cluster's binaries (once; about 6 minutes on two cores)", () =>
      build(target),
    );
  }
  const link = join(paths.bin, "kubectl");
  rmSync(link, { force: true });
  symlinkSync(binary("kubectl"), link);
}

async function build(target: string): Promise<void> {
  mkdirSync(paths.bin, { recursive: true });
  for (const old of readdirSync(paths.bin).filter((name) => name.startsWith("building-"))) {
    rmSync(join(paths.bin, old), { recursive: true, force: true });
  }
  const unfinished = join(paths.bin, `building-${process.pid}`);
  mkdirSync(unfinished);
  const version = "k8s.io/component-base/version";
  const client = "k8s.io/client-go/pkg/version";
  const stamps = [version, client].flatMap((pkg) => [
    `-X ${pkg}.gitVersion=${kubernetesVersion()}`,
    `-X ${pkg}.gitMajor=${kubernetesVersion().split(".")[0]?.slice(1)}`,
    `-X ${pkg}.gitMinor=${kubernetesVersion().split(".")[1]}`,
    `-X ${pkg}.gitTreeState=clean`,
  ]);
  const packages = mains.map((name) => `./${name}`);
  await go([
    "build",
    "-trimpath",
    `-ldflags=-s -w ${stamps.join(" ")}`,
    "-o",
    `${unfinished}/`,
    ...packages,
  ]);
  for (const name of components) symlinkSync("kubernetes", join(unfinished, name));
  renameSync(unfinished, target);
}

/** Makes sure that Go can build lab/go.
 *
 * @throws UserError when it is missing or too old.
 */
export async function requireGo(): Promise<void> {
  const fix =
    "Install Go 1.21 or newer, which fetches the version named in lab/go/go.mod itself (unset GOTOOLCHAIN=local), or use one of the other two clusters.";
  if (!(await onPath("go"))) {
    throw new UserError("Go is not on PATH; the bare cluster's binaries are built with it.", fix);
  }
  try {
    await go(["list", "-m"]);
  } catch (cause) {
    const problem = `The Go on PATH cannot build lab/go: ${messageOf(cause)}`;
    throw new UserError(problem, fix, { cause });
  }
}

const go = (args: readonly string[]): Promise<string> =>
  run("go", args, {
    cwd: source,
    timeoutSeconds: buildSeconds,
    env: { GOFLAGS: "-mod=readonly -buildvcs=false", CGO_ENABLED: "0", GOWORK: "off" },
  });
