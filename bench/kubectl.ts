import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { serverSelector } from "@mcp-fleet/kube";
import { execa } from "execa";
import { parseAllDocuments } from "yaml";

import { binary } from "../lab/cluster/binaries";
import { labNamespace } from "../lab/companions";
import { type ConfigOverrides, labConfig } from "../lab/config";
import type { Lab } from "../lab/session";

/** A stack of the lab as plain YAML, and kubectl to apply it with: what one would use without an engine. */
export interface PlainYaml {
  /** Applies it and waits until every Deployment of it is rolled out. */
  apply(): Promise<void>;
  /** What would change. */
  diff(): Promise<void>;
  /** Deletes it and waits until it is gone. */
  remove(): Promise<void>;
  /** The same as a chart: `helm upgrade --install --wait`, and `helm uninstall --wait`. */
  helm(command: string): { install(): Promise<void>; uninstall(): Promise<void> };
  /** Puts another image in the place of one. */
  setImage(before: string, after: string): void;
}

const minutes = 60_000;

/** Renders the servers of the lab, and Studio for `all`, with the values of their Secrets. */
export async function plainYaml(
  lab: Lab,
  what: "servers" | "all",
  overrides: ConfigOverrides = {},
): Promise<PlainYaml> {
  const out = mkdtempSync(join(tmpdir(), "mcp-fleet-bench-"));
  const directory = join(out, "yaml");
  const file = join(out, "config.json");
  const config = labConfig(lab.facts, "in-cluster", { cutover: { enabled: false }, ...overrides });
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const render = async (...more: string[]): Promise<string> => {
    const args = ["dist/render/main.js", file, "--out", directory, ...more];
    if (what === "servers") args.push("--servers-only");
    return (await execa(process.execPath, args, { timeout: minutes })).stdout;
  };
  const secrets = [...(await render()).matchAll(/^Secret [^/]+\/(\S+) is referred to/gm)];
  await render("--with-secret", ...secrets.map(([, name = ""]) => name));
  return {
    async apply() {
      await kubectl(lab, ["apply", "--server-side", "--force-conflicts", "-k", directory]);
      const names = deploymentsIn(directory);
      // One process for each: they wait at the same time.
      const status = (name: string): string[] => ["rollout", "status", `deployment/${name}`];
      await Promise.all(names.map((name) => kubectl(lab, status(name))));
    },
    async diff() {
      await kubectl(lab, ["diff", "--server-side", "--force-conflicts", "-k", directory], [0, 1]);
    },
    async remove() {
      await kubectl(lab, ["delete", "--wait", "--ignore-not-found", "-k", directory]);
      await kubectl(lab, ["wait", "--for=delete", "pod", "-l", serverSelector, "--timeout=120s"]);
    },
    helm(command) {
      const chart = chartOf(directory, join(out, "chart"));
      const call = async (...args: string[]): Promise<void> => {
        const where = ["--kubeconfig", lab.cluster.kubeconfig, "-n", labNamespace];
        await execa(command, [...args, ...where, "--timeout", "5m"], { timeout: 6 * minutes });
      };
      return {
        install: () => call("upgrade", "--install", "--wait", "--take-ownership", "bench", chart),
        async uninstall() {
          await call("uninstall", "--wait", "bench");
          await kubectl(lab, [
            "wait",
            "--for=delete",
            "pod",
            "-l",
            serverSelector,
            "--timeout=120s",
          ]);
        },
      };
    },
    setImage(before, after) {
      for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        writeFileSync(path, readFileSync(path, "utf8").replaceAll(before, after));
      }
    },
  };
}

/** Runs the lab's kubectl in its namespace. @param allowed exit codes that are no failure */
export async function kubectl(
  lab: Lab,
  args: readonly string[],
  allowed: readonly number[] = [0],
): Promise<string> {
  const { exitCode, stdout, stderr } = await execa(
    binary("kubectl"),
    ["--kubeconfig", lab.cluster.kubeconfig, "-n", labNamespace, ...args],
    { timeout: 5 * minutes, reject: false },
  );
  if (exitCode !== undefined && allowed.includes(exitCode)) return stdout;
  throw new Error(`kubectl ${args.join(" ")} ended with ${exitCode ?? "a signal"}: ${stderr}`);
}

/** A chart that holds the objects as they are. */
function chartOf(directory: string, chart: string): string {
  mkdirSync(join(chart, "templates"), { recursive: true });
  writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 0.1.0\n");
  const files = readdirSync(directory).filter((name) => name !== "kustomization.yaml");
  for (const name of files) copyFileSync(join(directory, name), join(chart, name));
  const texts = files.map((name) => `{{ .Files.Get ${JSON.stringify(name)} }}\n`);
  writeFileSync(join(chart, "templates", "all.yaml"), texts.join("---\n"));
  return chart;
}

function deploymentsIn(directory: string): string[] {
  const objects = readdirSync(directory).flatMap((name) =>
    parseAllDocuments(readFileSync(join(directory, name), "utf8")).map(
      (document) => document.toJS() as { kind: string; metadata?: { name: string } },
    ),
  );
  const names = objects.flatMap(({ kind, metadata }) =>
    kind === "Deployment" && metadata !== undefined ? [metadata.name] : [],
  );
  if (names.length === 0) throw new Error(`there is no Deployment in ${directory}`);
  return names;
}
