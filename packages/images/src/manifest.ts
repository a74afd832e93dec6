import { createHash } from "node:crypto";

import { JsonRefused, parseBoundedJson } from "@mcp-fleet/errors";
import { z } from "zod";

import { bodyOf, manifestTypes, RegistryError, type Repository } from "./registry";

/** The size limit of registries for a manifest, in bytes. */
const mostOfManifest = 4 * 1024 * 1024;
/** How many pages of a list of referrers are read. */
const mostPages = 10;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const descriptor = z.object({
  mediaType: z.string(),
  digest,
  size: z.int().nonnegative(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** An entry of a manifest or a list. */
export type Descriptor = z.output<typeof descriptor>;

const manifest = z.object({ layers: z.array(z.unknown()) });
const list = z.object({ manifests: z.array(z.unknown()) });

/**
 * The digest that a tag points to now, computed from the registry's bytes and not taken from its headers.
 * @throws RegistryError where there is none, JsonRefused for one beyond a limit
 */
export async function digestOf(repository: Repository, reference: string): Promise<string> {
  const bytes = await repository.read(`manifests/${reference}`, mostOfManifest, manifestTypes);
  if (bytes === undefined) throw new RegistryError("missing", "it has no such repository or tag");
  return sha256(bytes);
}

/** The layers of a manifest. Empty where there is none. @throws RegistryError, JsonRefused */
export async function layersOf(repository: Repository, reference: string): Promise<Descriptor[]> {
  const bytes = await repository.read(`manifests/${reference}`, mostOfManifest, manifestTypes);
  if (bytes === undefined) return [];
  if (reference.startsWith("sha256:") && sha256(bytes) !== reference)
    throw new JsonRefused("does not match its digest");
  return known(manifest.safeParse(jsonOf(bytes, mostOfManifest)).data?.layers);
}

/**
 * What refers to an image: by the registry's own list, else by the list that clients keep under a tag.
 * @throws RegistryError, JsonRefused
 */
export async function referrersOf(repository: Repository, image: string): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  let next: string | undefined = `referrers/${image}`;
  for (let page = 0; next !== undefined && page < mostPages; page += 1) {
    const response: Response = await repository.ask("GET", next, indexType);
    if (page === 0 && withoutList.has(response.status)) {
      await response.body?.cancel();
      return listUnderTag(repository, image);
    }
    const bytes = await bodyOf(response, mostOfManifest);
    found.push(...manifestsIn(bytes));
    next = /<([^<>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return found;
}

const indexType = "application/vnd.oci.image.index.v1+json";

/** Answers of registries that have no such list. */
const withoutList = new Set([400, 404, 405, 406, 501]);

async function listUnderTag(repository: Repository, image: string): Promise<Descriptor[]> {
  const tag = image.replace(":", "-");
  const bytes = await repository.read(`manifests/${tag}`, mostOfManifest, indexType);
  return bytes === undefined ? [] : manifestsIn(bytes);
}

function manifestsIn(bytes: Buffer): Descriptor[] {
  return known(list.safeParse(jsonOf(bytes, mostOfManifest)).data?.manifests);
}

/**
 * The content of a layer, verified against its digest.
 * @throws RegistryError, JsonRefused for too many or other bytes
 */
export async function blobOf(
  repository: Repository,
  { digest: wanted, size }: Descriptor,
  most: number,
): Promise<Buffer> {
  if (size > most) throw new JsonRefused(`is longer than ${most} bytes`);
  const bytes = await repository.read(`blobs/${wanted}`, most);
  if (bytes === undefined) throw new JsonRefused("is not there");
  if (sha256(bytes) !== wanted) throw new JsonRefused("does not match its digest");
  return bytes;
}

/**
 * JSON from a registry or from a signer.
 * @throws JsonRefused
 */
export function jsonOf(bytes: Buffer, most: number): unknown {
  return parseBoundedJson(bytes.toString("utf8"), { characters: most, depth: 32, values: 50_000 });
}

/** The valid entries of a list; the others cannot be read. */
function known(items: readonly unknown[] | undefined): Descriptor[] {
  return (items ?? []).flatMap((one) => descriptor.safeParse(one).data ?? []);
}

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
