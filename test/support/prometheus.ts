import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { onPath, run } from "../../lab/exec";
import { paths } from "../../lab/paths";

const place = join(paths.cache, "prometheus");

/** Prometheus and promtool: names on PATH, or files out of the distribution's package. */
export interface PrometheusTools {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Prometheus of this machine; else its Debian package, unpacked into the cache. Nothing is installed and no service
 * starts. A text says why there is none.
 */
export async function prometheusTools(): Promise<PrometheusTools | string> {
  if ((await onPath("prometheus")) && (await onPath("promtool"))) {
    return { prometheus: "prometheus", promtool: "promtool" };
  }
  const tools = {
    prometheus: join(place, "usr/bin/prometheus"),
    promtool: join(place, "usr/bin/promtool"),
  };
  if (existsSync(tools.promtool)) return tools;
  for (const needed of ["apt-get", "dpkg-deb"]) {
    if (!(await onPath(needed)))
      return `promtool is not on PATH, and ${needed} is not there to get it`;
  }
  try {
    await unpack();
    return tools;
  } catch (error) {
    return `promtool is not on PATH, and its Debian package cannot be had: ${String(error).split("\n")[0]}`;
  }
}

async function unpack(): Promise<void> {
  await mkdir(paths.cache, { recursive: true });
  const scratch = await mkdtemp(join(paths.cache, "prometheus-"));
  try {
    const download = (): Promise<unknown> =>
      run("apt-get", ["download", "--quiet", "prometheus"], { cwd: scratch, timeoutSeconds: 180 });
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
