import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { kubernetesVersion } from "../cluster/binaries";
import type { ContainerEngine } from "../cluster/container-engine";
import { kindBaseFiles, kubeadmBinary } from "../cluster/kind-binaries";
import { run } from "../exec";
import type { Log } from "../log";
import { paths } from "../paths";
import { Building } from "./build";
import { withBuildah } from "./builders";
import { fingerprint } from "./fingerprint";
import { bundledPrograms, Planner } from "./plan";
import { bareStandIns } from "./recipes";

/** What kind starts where no node image can be pulled. */
export interface KindNode {
  /** The node's image, which the container engine has. */
  readonly image: string;
  /** A directory with the images of what kubeadm starts, to be mounted at {@link kindNodeMount}. */
  readonly images: string;
}

/** Where the node looks for images (`lab/images/kind-node/files`). */
export const kindNodeMount = "/kind/lab";

const inside = ["kind-components", "kind-dns", "pause"] as const;
type Inside = (typeof inside)[number];

/** Which image of the lab stands for one that kubeadm asks for. */
export function standsFor(wanted: string): Inside {
  const name = /([^/:]+):[^/]+$/.exec(wanted)?.[1];
  if (name === "coredns") return "kind-dns";
  if (name === "pause") return "pause";
  if (name === "etcd" || name?.startsWith("kube-") === true) return "kind-components";
  throw new Error(`nothing here stands for ${wanted}, which kubeadm asks for`);
}

/**
 * Makes the image of a node of kind, and those of what runs in it, unless they are there.
 *
 * @throws UserError when something it is made of cannot be had
 */
export async function ensureKindNode(engine: ContainerEngine, log: Log): Promise<KindNode> {
  const programs = bundledPrograms();
  const planner = new Planner(bareStandIns, programs);
  const node = await planner.plan("kind-node");
  const parts = await Promise.all(inside.map((name) => planner.plan(name)));
  const refs = Object.fromEntries(parts.map(({ name, ref }) => [name, ref])) as Record<
    Inside,
    string
  >;
  const names = (await wantedImages()).map((wanted) => `${refs[standsFor(wanted)]} ${wanted}\n`);
  const images = join(paths.images, `kind-${fingerprint(names).slice(0, 12)}`);
  const loaded = await engineHas(engine, node.ref);
  const saved = existsSync(images);
  if (loaded && saved) return { image: node.ref, images };
  await withBuildah(log, async (builder, scratch) => {
    const building = new Building(builder, await builder.list(), programs, scratch, log);
    await building.build([...(loaded ? [] : [node]), ...(saved ? [] : parts)]);
    if (!loaded) {
      await log.step(`Loading the node's image into ${engine}`, async () => {
        const archive = join(scratch, "node.tar");
        await builder.saveForDocker(node.ref, archive);
        await run(engine, ["load", "-q", "-i", archive], { timeoutSeconds: 600 });
      });
    }
    if (!saved) {
      const unfinished = join(scratch, "kind");
      await mkdir(unfinished);
      await builder.save(Object.values(refs), join(unfinished, "images.tar"));
      await writeFile(join(unfinished, "names"), names.join(""));
      await removeOlder();
      await rename(unfinished, images);
    }
    const there = await builder.list();
    // On this disk once is enough.
    const both = [node.ref, refs["kind-components"], refs["kind-dns"]];
    await builder.forget(both.filter((ref) => there.has(ref)));
  });
  return { image: node.ref, images };
}

/** What kubeadm and containerd of a node would pull. */
async function wantedImages(): Promise<string[]> {
  const args = ["config", "images", "list", "--kubernetes-version", kubernetesVersion()];
  const listed = (await run(kubeadmBinary(), args)).trim().split("\n");
  const config = readFileSync(join(kindBaseFiles(), "etc", "containerd", "config.toml"), "utf8");
  const sandbox = /^\s*sandbox_image = "(.+)"$/m.exec(config)?.[1];
  return [...new Set([...listed, ...(sandbox === undefined ? [] : [sandbox])])];
}

const engineHas = (engine: ContainerEngine, ref: string): Promise<boolean> =>
  run(engine, ["image", "inspect", "--format", "{{.Id}}", ref]).then(
    () => true,
    () => false,
  );

async function removeOlder(): Promise<void> {
  const older = readdirSync(paths.images).filter((name) => /^kind-[0-9a-f]{12}$/.test(name));
  for (const name of older) await rm(join(paths.images, name), { recursive: true });
}
