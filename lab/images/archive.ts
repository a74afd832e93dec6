import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { run } from "../exec";
import { digestOfFile } from "./fingerprint";

/** A stored layer: a tar file, compressed. */
export interface StoredLayer {
  readonly name: string;
  readonly file: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
  /** SHA-256 of what is in it, the tar file itself, in hex. */
  readonly diffId: string;
  /** Bytes. */
  readonly size: number;
}

export interface ImageConfig {
  readonly ref: string;
  readonly architecture: string;
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly stopSignal?: string;
  readonly description: string;
  readonly layers: readonly StoredLayer[];
}

/** Every image runs as this user and group. */
export const imageUser = "65532:65532";

const epoch = "1970-01-01T00:00:00Z";
const tarSettings = ["--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0"];

/**
 * Writes a directory's content as a layer, the same bytes for the same content: sorted, no times, owned by root.
 *
 * @param mode tar's `--mode`; the default makes everything readable by all and takes set-user-id bits off.
 */
export async function writeLayer(
  name: string,
  dir: string,
  entries: readonly string[],
  file: string,
  options: { readonly mode?: string; readonly exclude?: readonly string[] } = {},
): Promise<StoredLayer> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.partial-${process.pid}`;
  const excluded = (options.exclude ?? []).map((path) => `--exclude=${path}`);
  const settings = [...tarSettings, "--numeric-owner", "--hard-dereference", "--anchored"];
  const mode = `--mode=${options.mode ?? "u=rwX,go=rX"}`;
  const sorted = [...entries].sort();
  try {
    await run("tar", [...settings, mode, ...excluded, "-cf", partial, "-C", dir, "--", ...sorted], {
      timeoutSeconds: 300,
    });
    const diffId = await digestOfFile(partial);
    // Lightly: it is read as often as it is written, and on the same machine. No name and no time go in.
    const compressed = createWriteStream(`${partial}.gz`);
    await pipeline(createReadStream(partial), createGzip({ level: 1 }), compressed);
    await rename(`${partial}.gz`, file);
    const { size } = await stat(file);
    return { name, file, digest: await digestOfFile(file), diffId, size };
  } finally {
    for (const left of [partial, `${partial}.gz`]) await rm(left, { force: true });
  }
}

const descriptor = (mediaType: string, content: string) => ({
  mediaType,
  digest: `sha256:${createHash("sha256").update(content).digest("hex")}`,
  size: Buffer.byteLength(content),
});

/** The OCI configuration and manifest of one image, as the text that is stored and addressed by its digest. */
export function describeImage(image: ImageConfig): { config: string; manifest: string } {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp", ...image.env };
  const config = JSON.stringify({
    architecture: image.architecture,
    os: "linux",
    created: epoch,
    config: {
      User: imageUser,
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Entrypoint: image.entrypoint,
      Cmd: image.args,
      WorkingDir: "/",
      Labels: { "org.opencontainers.image.description": image.description },
      ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
      ...(image.port === undefined ? {} : { ExposedPorts: { [`${image.port}/tcp`]: {} } }),
    },
    rootfs: { type: "layers", diff_ids: image.layers.map((layer) => `sha256:${layer.diffId}`) },
    history: image.layers.map((layer) => ({ created: epoch, created_by: `layer ${layer.name}` })),
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: image.layers.map((layer) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      digest: `sha256:${layer.digest}`,
      size: layer.size,
    })),
  });
  return { config, manifest };
}

/** Writes one OCI archive that holds all the images; a layer that several of them have is in it once. */
export async function writeArchive(images: readonly ImageConfig[], file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Next to the archive, so that layers can be linked in and need no copy.
  const layout = await mkdtemp(join(dirname(file), `${basename(file)}-`));
  try {
    const blobs = join(layout, "blobs", "sha256");
    await mkdir(blobs, { recursive: true });
    const store = async (content: string): Promise<void> => {
      const digest = createHash("sha256").update(content).digest("hex");
      await writeFile(join(blobs, digest), content);
    };
    const layers = new Map(images.flatMap((i) => i.layers).map((l) => [l.digest, l] as const));
    for (const layer of layers.values()) await link(layer.file, join(blobs, layer.digest));
    const manifests: object[] = [];
    for (const image of images) {
      const { config, manifest } = describeImage(image);
      await store(config);
      await store(manifest);
      manifests.push({
        ...descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        platform: { architecture: image.architecture, os: "linux" },
        annotations: {
          "io.containerd.image.name": image.ref,
          "org.opencontainers.image.ref.name": image.ref.slice(image.ref.lastIndexOf(":") + 1),
        },
      });
    }
    const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json" };
    await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await writeFile(join(layout, "index.json"), JSON.stringify({ ...index, manifests }));
    const settings = [
      ...tarSettings,
      "--numeric-owner",
      "--hard-dereference",
      "--mode=u=rwX,go=rX",
    ];
    await run(
      "tar",
      [...settings, "-cf", file, "-C", layout, "blobs", "index.json", "oci-layout"],
      {
        timeoutSeconds: 600,
      },
    );
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}
