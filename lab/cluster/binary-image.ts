import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import { binary, binaryDir, type BinaryName } from "./binaries";

/** An image made of one static binary, as an archive that containerd and Docker can load. */
export interface BinaryImage {
  readonly ref: string;
  readonly archive: string;
}

/**
 * Packs one of the cluster's own binaries into an image of that single file, run as uid 65532.
 * The archive is kept in the cache; its name and the tag follow the binary's sources.
 */
export async function binaryImage(name: BinaryName): Promise<BinaryImage> {
  const tag = binaryDir().slice(-12);
  const ref = `mcp-fleet.local/lab-${name}:${tag}`;
  const archive = join(paths.images, `lab-${name}-${tag}.tar`);
  if (existsSync(archive)) return { ref, archive };
  const work = join(paths.images, `packing-${name}-${process.pid}`);
  mkdirSync(join(work, "root"), { recursive: true });
  try {
    copyFileSync(binary(name), join(work, "root", name));
    const layer = join(work, "layer.tar");
    await tar(join(work, "root"), layer, [name]);
    const digest = createHash("sha256").update(readFileSync(layer)).digest("hex");
    const config = {
      architecture: { x64: "amd64" }[process.arch as string] ?? process.arch,
      os: "linux",
      config: { Entrypoint: [`/${name}`], User: "65532:65532", WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
      history: [{ created_by: "mcp-fleet lab" }],
    };
    const manifest = [{ Config: "config.json", RepoTags: [ref], Layers: ["layer.tar"] }];
    writeFileSync(join(work, "config.json"), JSON.stringify(config));
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
    const unfinished = join(work, "image.tar");
    await tar(work, unfinished, ["manifest.json", "config.json", "layer.tar"]);
    renameSync(unfinished, archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { ref, archive };
}

/** A tar file that depends on nothing but the files' content and modes. */
const tar = (dir: string, target: string, files: readonly string[]): Promise<string> =>
  run("tar", [
    ...["--create", "--file", target, "--directory", dir, "--format=ustar"],
    ...["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--mode=u=rwX,go=rX"],
    ...files,
  ]);
