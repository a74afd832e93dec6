import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import { type Builder, buildSeconds } from "./builder";
import { mountedSettings } from "./machine";
import { all, Turns } from "./turns";

/** Images and their layers. */
const store = join(paths.images, "buildah");

/** What buildah can beyond what all builders can. */
export interface Buildah extends Builder {
  /** Writes one image as `docker load` takes it, which knows no OCI layout everywhere. */
  saveForDocker(ref: string, archive: string): Promise<void>;
}

/**
 * The distribution's buildah, with its own store in the cache. Its mounts are in a private namespace, so that
 * none remains on the machine however it ends.
 */
export async function buildah(scratch: string): Promise<Buildah> {
  await mkdir(store, { recursive: true });
  const settings = await mountedSettings(join(scratch, "settings"));
  const call = async (args: readonly string[], timeoutSeconds = 120): Promise<string> => {
    // Mounts are visible to this call only.
    const runRoot = await mkdtemp(join(scratch, "run-"));
    const place = ["--root", store, "--runroot", runRoot, "--storage-driver", "overlay"];
    const noMount = ["--storage-opt", "skip_mount_home=true"];
    return run("unshare", ["--mount", "buildah", ...place, ...noMount, ...args], {
      ...{ cwd: paths.projectDir, timeoutSeconds },
      env: { BUILDAH_ISOLATION: "chroot", TMPDIR: scratch },
    });
  };
  // Leftovers of earlier builds: images that were copied from, and everything of an interrupted build.
  await call(["rm", "--all"]);
  return {
    list: async () =>
      new Set((await call(["images", "--format", "{{.Name}}:{{.Tag}}"])).split("\n")),
    async build(args) {
      const fixed = ["--quiet", "--layers", "--network", "host", "--pull-never", ...settings];
      await call(["build", ...fixed, ...args], buildSeconds);
    },
    async save(refs, archive) {
      const turns = new Turns(2);
      const layouts = refs.map(async (ref, index) => {
        const layout = join(scratch, `layout-${index}`);
        const light = ["--compression-format", "zstd", "--compression-level", "1"];
        await turns.take(() => call(["push", "--quiet", ...light, ref, `oci:${layout}`], 600));
        return [ref, layout] as const;
      });
      const merged = join(scratch, "layout");
      await mergeLayouts(await all(layouts), merged);
      await run("tar", ["-cf", archive, "-C", merged, "."], { timeoutSeconds: 300 });
      await rm(merged, { recursive: true });
    },
    async saveForDocker(ref, archive) {
      await call(["push", "--quiet", ref, `docker-archive:${archive}:${ref}`], 600);
    },
    async forget(refs) {
      if (refs.length > 0) await call(["rmi", "--force", ...refs]);
      await call(["rmi", "--prune", "--force"]);
    },
  };
}

interface Index {
  readonly manifests: readonly object[];
}

/** Merges OCI layouts of one image each into one; common blobs are stored once. */
async function mergeLayouts(
  layouts: readonly (readonly [ref: string, layout: string])[],
  target: string,
): Promise<void> {
  const blobs = join("blobs", "sha256");
  await mkdir(join(target, blobs), { recursive: true });
  let manifests: object[] = [];
  for (const [ref, layout] of layouts) {
    for (const blob of await readdir(join(layout, blobs))) {
      await rename(join(layout, blobs, blob), join(target, blobs, blob));
    }
    const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as Index;
    // The name that containerd uses.
    const annotations = { "io.containerd.image.name": ref };
    manifests = [...manifests, ...index.manifests.map((one) => ({ ...one, annotations }))];
    await rename(join(layout, "oci-layout"), join(target, "oci-layout"));
  }
  await writeFile(join(target, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}
