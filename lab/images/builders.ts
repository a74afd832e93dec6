import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { containerEngine } from "../cluster/kind";
import { run } from "../exec";
import { paths } from "../paths";
import { mountedSettings } from "./machine";
import { all, Turns } from "./turns";

/** A program that builds Dockerfiles and keeps the images. */
export interface Builder {
  /** The references it has. */
  list(): Promise<ReadonlySet<string>>;
  /** @param args those that all such programs know, the build's directory last */
  build(args: readonly string[]): Promise<void>;
  /** Writes images to one archive for a cluster to load. */
  save(refs: readonly string[], archive: string): Promise<void>;
}

/** How long one image may take, in seconds. */
const buildSeconds = 1800;

/**
 * The container engine of this machine.
 *
 * @throws UserError when none answers.
 */
export async function engineBuilder(): Promise<Builder> {
  const engine = await containerEngine();
  if (engine === undefined) {
    throw new UserError(
      "The lab's images cannot be built for this cluster: no container engine answers.",
      "Start Docker or Podman, or let the lab make its own cluster by unsetting LAB_KUBECONFIG and LAB_CONTEXT.",
    );
  }
  return {
    list: async () =>
      new Set((await run(engine, ["images", "--format", "{{.Repository}}:{{.Tag}}"])).split("\n")),
    async build(args) {
      const env = { DOCKER_BUILDKIT: "1" };
      const cwd = paths.projectDir;
      await run(engine, ["build", "-q", ...args], { cwd, timeoutSeconds: buildSeconds, env });
    },
    async save(refs, archive) {
      // Podman writes one image for each archive unless told otherwise; Docker has no such flag.
      const several = engine === "podman" ? ["-m"] : [];
      await run(engine, ["save", ...several, "-o", archive, ...refs], { timeoutSeconds: 900 });
    },
  };
}

/** Images and their layers. */
const store = join(paths.images, "buildah");

/**
 * The distribution's buildah, with a store of its own in the cache. Its mounts are in a namespace of its own, so that
 * none is left on the machine however it ends.
 *
 * @param scratch a directory that is removed when all is built
 */
export async function buildahBuilder(scratch: string): Promise<Builder> {
  await mkdir(store, { recursive: true });
  const settings = await mountedSettings(join(scratch, "settings"));
  const buildah = async (args: readonly string[], timeoutSeconds = 120): Promise<string> => {
    // What is mounted is known to this call alone.
    const runRoot = await mkdtemp(join(scratch, "run-"));
    const place = ["--root", store, "--runroot", runRoot, "--storage-driver", "overlay"];
    const noMount = ["--storage-opt", "skip_mount_home=true"];
    return run("unshare", ["--mount", "buildah", ...place, ...noMount, ...args], {
      ...{ cwd: paths.projectDir, timeoutSeconds },
      env: { BUILDAH_ISOLATION: "chroot", TMPDIR: scratch },
    });
  };
  // What earlier builds left: some images that were copied from, and all of a build that was ended.
  await buildah(["rm", "--all"]);
  return {
    list: async () =>
      new Set((await buildah(["images", "--format", "{{.Name}}:{{.Tag}}"])).split("\n")),
    async build(args) {
      const fixed = ["--quiet", "--layers", "--network", "host", "--pull-never", ...settings];
      await buildah(["build", ...fixed, ...args], buildSeconds);
    },
    async save(refs, archive) {
      const turns = new Turns(2);
      const layouts = refs.map(async (ref, index) => {
        const layout = join(scratch, `layout-${index}`);
        const light = ["--compression-format", "zstd", "--compression-level", "1"];
        await turns.take(() => buildah(["push", "--quiet", ...light, ref, `oci:${layout}`], 600));
        return [ref, layout] as const;
      });
      const merged = join(scratch, "layout");
      await mergeLayouts(await all(layouts), merged);
      await run("tar", ["-cf", archive, "-C", merged, "."], { timeoutSeconds: 300 });
      await rm(merged, { recursive: true });
    },
  };
}

interface Index {
  readonly manifests: readonly object[];
}

/** Makes one of OCI layouts of one image each; what several of them have is in it once. */
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
    // The name that containerd goes by.
    const annotations = { "io.containerd.image.name": ref };
    manifests = [...manifests, ...index.manifests.map((one) => ({ ...one, annotations }))];
    await rename(join(layout, "oci-layout"), join(target, "oci-layout"));
  }
  await writeFile(join(target, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}
