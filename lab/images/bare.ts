import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { join } from "node:path";

import { run } from "../exec";
import type { Log } from "../log";
import { paths } from "../paths";
import { type ImageConfig, type StoredLayer, writeArchive, writeLayer } from "./archive";
import type { BundleName } from "./bundle";
import { ensureTools, rootExclusions } from "./debian";
import { filesAsParts, fingerprint } from "./fingerprint";
import { layerRecipes, recipeSalt } from "./layers";
import { type ImageName, imageSpecs, type LayerName } from "./table";

type Bundles = Readonly<Record<BundleName, string>>;

const layersDir = join(paths.images, "layers");

/** The cache name of each layer: a hash of everything that decides its content. */
export function layerKeys(bundles: Bundles): Record<LayerName, string> {
  const entries = Object.entries(layerRecipes()).map(([name, recipe]) => {
    const text = recipe.bundle === undefined ? [] : [bundles[recipe.bundle]];
    const salt = recipeSalt(name as LayerName, recipe);
    return [name, fingerprint([...salt, ...filesAsParts(recipe.files), ...text])];
  });
  return Object.fromEntries(entries) as Record<LayerName, string>;
}

/** The content hash of an image put together from layers. */
export const imageKey = (name: ImageName, keys: Readonly<Record<LayerName, string>>): string =>
  fingerprint([JSON.stringify(imageSpecs[name]), ...imageSpecs[name].layers.map((l) => keys[l])]);

/** Makes one archive of the named images without a container engine, building the layers that are not cached. */
export async function buildBare(
  refs: ReadonlyMap<ImageName, string>,
  bundles: Bundles,
  archive: string,
  log: Log,
): Promise<void> {
  const keys = layerKeys(bundles);
  const wanted = [...new Set([...refs.keys()].flatMap((name) => imageSpecs[name].layers))];
  const stored = await ensureLayers(wanted, keys, bundles, log);
  const layer = (name: LayerName): StoredLayer => {
    const found = stored.get(name);
    if (found === undefined) throw new Error(`layer ${name} was not built`);
    return found;
  };
  const images = [...refs].map(([name, ref]): ImageConfig => {
    const spec = imageSpecs[name];
    return {
      ref,
      architecture: arch() === "arm64" ? "arm64" : "amd64",
      entrypoint: spec.entrypoint,
      args: spec.args ?? [],
      env: spec.env ?? {},
      ...(spec.port === undefined ? {} : { port: spec.port }),
      ...(spec.stopSignal === undefined ? {} : { stopSignal: spec.stopSignal }),
      description: spec.description,
      layers: spec.layers.map(layer),
    };
  });
  await log.step(`Writing one archive of ${images.length} images`, () =>
    writeArchive(images, archive),
  );
}

const layerFile = (key: string): string => join(layersDir, `${key}.tar.gz`);

function cachedLayer(name: LayerName, key: string): StoredLayer | undefined {
  const facts = `${layerFile(key)}.json`;
  if (!existsSync(facts) || !existsSync(layerFile(key))) return undefined;
  const known = JSON.parse(readFileSync(facts, "utf8")) as Omit<StoredLayer, "name" | "file">;
  return { ...known, name, file: layerFile(key) };
}

async function ensureLayers(
  wanted: readonly LayerName[],
  keys: Readonly<Record<LayerName, string>>,
  bundles: Bundles,
  log: Log,
): Promise<Map<LayerName, StoredLayer>> {
  const stored = new Map<LayerName, StoredLayer>();
  for (const name of wanted) {
    const layer = cachedLayer(name, keys[name]);
    if (layer !== undefined) stored.set(name, layer);
  }
  const missing = wanted.filter((name) => !stored.has(name));
  if (missing.length === 0) return stored;

  await ensureTools(log);
  await mkdir(paths.images, { recursive: true });
  const workDir = await mkdtemp(join(paths.images, "build-"));
  try {
    const building = new Map<LayerName, Promise<StoredLayer>>();
    const build = (name: LayerName): Promise<StoredLayer> => {
      const cached = stored.get(name);
      if (cached !== undefined) return Promise.resolve(cached);
      const running = building.get(name);
      if (running !== undefined) return running;
      const started = buildLayer(name, keys[name], { workDir, bundles, root }, log);
      building.set(name, started);
      return started;
    };
    // The Python layers are compiled inside the Debian root, so they wait for it.
    let unpacked: Promise<string> | undefined;
    const root = (): Promise<string> =>
      (unpacked ??= build("debian").then((debian) => unpack(debian, workDir)));
    await log.step(`Building ${missing.length} image layers: ${missing.join(", ")}`, async () => {
      // All come to their end before the directory under them goes.
      const results = await Promise.allSettled(missing.map(build));
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    });
    for (const name of missing) stored.set(name, await build(name));
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  return stored;
}

async function unpack(debian: StoredLayer, workDir: string): Promise<string> {
  const root = join(workDir, "root");
  await mkdir(root);
  await run("tar", ["-xf", debian.file, "-C", root, "--numeric-owner"], { timeoutSeconds: 120 });
  // Python's parallel compilation asks for shared memory and a null device.
  await run("mknod", ["-m", "666", join(root, "dev", "null"), "c", "1", "3"]);
  await mkdir(join(root, "dev", "shm"), { recursive: true, mode: 0o1777 });
  return root;
}

async function buildLayer(
  name: LayerName,
  key: string,
  place: { workDir: string; bundles: Bundles; root: () => Promise<string> },
  log: Log,
): Promise<StoredLayer> {
  const started = Date.now();
  const dir = join(place.workDir, "layers", name);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  await layerRecipes()[name].build({ ...place, dir });
  const base = name === "debian";
  const layer = await writeLayer(name, dir, readdirSync(dir), layerFile(key), {
    // The base keeps its own modes (/tmp, /etc/shadow); no program in it may gain rights.
    ...(base ? { mode: "a-s", exclude: rootExclusions } : {}),
  });
  await rm(dir, { recursive: true, force: true });
  await writeFile(
    `${layerFile(key)}.json`,
    JSON.stringify({ digest: layer.digest, diffId: layer.diffId, size: layer.size }),
  );
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  log.info(`layer ${name}: ${(layer.size / 1e6).toFixed(1)} MB after ${seconds} s`);
  return layer;
}
