import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { stringify } from "yaml";

import { alertGroups } from "../../components/observability";
import { onPath, run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { freePort } from "./port";
import type { Used } from "./promql";

/** Prometheus and promtool: names on PATH, or files from the distribution's package. */
export interface PrometheusTools {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Prometheus of this machine; else its Debian package, unpacked into the cache. Nothing is installed and no service
 * starts. A text says why there is none.
 */
export function prometheusTools(): Promise<PrometheusTools | string> {
  return programsOf("prometheus", ["prometheus", "promtool"]);
}

/** The same for the Pushgateway. */
export async function pushgatewayTool(): Promise<{ readonly pushgateway: string } | string> {
  const name = "prometheus-pushgateway";
  const found = await programsOf(name, [name]);
  return typeof found === "string" ? found : { pushgateway: found[name] };
}

async function programsOf<Name extends string>(
  debianPackage: string,
  programs: readonly Name[],
): Promise<Record<Name, string> | string> {
  const all = (path: (name: Name) => string): Record<Name, string> =>
    Object.fromEntries(programs.map((name) => [name, path(name)])) as Record<Name, string>;
  const installed = await Promise.all(programs.map(onPath));
  if (installed.every(Boolean)) return all((name) => name);
  const place = join(paths.cache, debianPackage);
  const unpacked = all((name) => join(place, "usr/bin", name));
  if (Object.values<string>(unpacked).every((file) => existsSync(file))) return unpacked;
  const missing = `${programs.join(" and ")} are not on PATH`;
  for (const needed of ["apt-get", "dpkg-deb"]) {
    if (!(await onPath(needed))) return `${missing}, and ${needed} is not there to get them`;
  }
  try {
    await unpack(debianPackage, place);
    return unpacked;
  } catch (error) {
    return `${missing}, and the Debian package cannot be had: ${String(error).split("\n")[0]}`;
  }
}

async function unpack(debianPackage: string, place: string): Promise<void> {
  await mkdir(paths.cache, { recursive: true });
  const scratch = await mkdtemp(join(paths.cache, `${debianPackage}-`));
  try {
    const download = (): Promise<unknown> =>
      run("apt-get", ["download", "--quiet", debianPackage], {
        ...{ cwd: scratch, timeoutSeconds: 180 },
      });
    await download().catch(async () => {
      await run("apt-get", ["update", "--quiet"], { timeoutSeconds: 180 });
      await download();
    });
    const archive = (await readdir(scratch)).find((name) => name.endsWith(".deb")) ?? "";
    const root = join(scratch, "root");
    await run("dpkg-deb", ["-x", join(scratch, archive), root], { timeoutSeconds: 60 });
    await rm(place, { recursive: true, force: true });
    await rename(root, place);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A scrape target of a test's Prometheus. */
export interface ScrapeTarget {
  readonly job: string;
  readonly url: string;
  readonly namespace: string;
}

/** A running Prometheus, asked through its API. */
export interface Scraper {
  /** Value of each series of an expression, by its labels. */
  query(expression: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  /** The same over the last seconds, at most 200 points of each series, with Unix times in seconds. */
  range(
    expression: string,
    seconds: number,
  ): Promise<{ labels: Record<string, string>; points: (readonly [number, number])[] }[]>;
  /** Those of these without a series. */
  without(selectors: readonly Used[]): Promise<string[]>;
  /** Names of the alerts that fire. */
  alerts(): Promise<string[]>;
  stop(): Promise<void>;
}

/** A Prometheus on this machine that scrapes the targets every two seconds and evaluates the fleet's rules. */
export async function startPrometheus(
  { prometheus }: PrometheusTools,
  directory: string,
  targets: readonly ScrapeTarget[],
): Promise<Scraper> {
  const home = mkdtempSync(join(directory, "prometheus-"));
  writeFileSync(join(home, "rules.yaml"), stringify({ groups: alertGroups() }));
  const scrapes = targets.map(({ job, url, namespace }) => ({
    job_name: job,
    scrape_interval: "2s",
    honor_labels: true,
    static_configs: [{ targets: [new URL(url).host], labels: { namespace } }],
  }));
  writeFileSync(
    join(home, "prometheus.yml"),
    stringify({
      global: { evaluation_interval: "2s" },
      rule_files: ["rules.yaml"],
      scrape_configs: scrapes,
    }),
  );
  const port = await freePort();
  const child = spawn(
    prometheus,
    [
      `--config.file=${join(home, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    return ((await response.json()) as { data: T }).data;
  };
  const query: Scraper["query"] = async (expression) => {
    const { result } = await get<{ result: Sample[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  return {
    query,
    range: async (expression, seconds) => {
      const end = Date.now() / 1000;
      const step = Math.max(1, Math.ceil(seconds / 200));
      const asked = new URLSearchParams({
        ...{ query: expression, start: String(end - seconds), end: String(end) },
        step: String(step),
      });
      const { result } = await get<{ result: RangeSample[] }>(`query_range?${asked.toString()}`);
      return result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([time, value]) => [time, Number(value)] as const),
      }));
    },
    without: async (selectors) => {
      const missing: string[] = [];
      for (const { text, where } of selectors) {
        if ((await query(text)).length === 0) missing.push(`${text} of ${where}`);
      }
      return missing;
    },
    alerts: async () => {
      const { alerts } = await get<{ alerts: { state: string; labels: { alertname: string } }[] }>(
        "alerts",
      );
      return alerts.filter((one) => one.state === "firing").map((one) => one.labels.alertname);
    },
    stop: async () => {
      child.kill("SIGTERM");
      await gone;
    },
  };
}

interface Sample {
  readonly metric: Record<string, string>;
  readonly value: [time: number, value: string];
}

interface RangeSample {
  readonly metric: Record<string, string>;
  readonly values: readonly (readonly [time: number, value: string])[];
}
