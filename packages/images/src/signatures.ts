import { JsonRefused } from "@mcp-fleet/errors";

import {
  bundleCandidate,
  type Candidate,
  classicCandidate,
  isBundleType,
  mayBeSignature,
  simpleSigning,
  Unreadable,
} from "./candidate";
import { blobOf, type Descriptor, layersOf, referrersOf } from "./manifest";
import type { Repository } from "./registry";

/** How many signatures of one image are checked: anyone who may push can add some. */
export const mostSignatures = 100;
/** What cosign signs has 300 bytes; a bundle contains a certificate and a proof, 10 kB. */
const mostOfSignature = 512 * 1024;

/** The signatures found next to an image. */
export interface FoundSignatures {
  readonly candidates: readonly Candidate[];
  /** Why others cannot be read, each as the end of a sentence. */
  readonly unreadable: readonly string[];
  /** Whether there are more than were checked. */
  readonly more: boolean;
}

/**
 * The signatures of an image in its repository: those that refer to it, and those under the tag that cosign
 * derives from its digest. None of them is verified.
 * @param image its digest
 * @throws RegistryError when the registry does not answer
 */
export async function signaturesOf(
  repository: Repository,
  image: string,
): Promise<FoundSignatures> {
  const candidates: Candidate[] = [];
  const unreadable: string[] = [];
  let left = mostSignatures;
  const note = async (work: () => Promise<Candidate | undefined | void>): Promise<void> => {
    try {
      const found = await work();
      if (found !== undefined) candidates.push(found);
    } catch (error) {
      if (!(error instanceof Unreadable || error instanceof JsonRefused)) throw error;
      unreadable.push(error.message);
    }
  };
  const readLayers = async (reference: string): Promise<void> => {
    for (const layer of await layersOf(repository, reference)) {
      if (left <= 0) return;
      if (layer.mediaType !== simpleSigning && !isBundleType(layer.mediaType)) continue;
      left -= 1;
      await note(() => candidateIn(repository, layer));
    }
  };
  const places = await placesOf(repository, image, unreadable);
  const known = new Set(places.slice(0, mostSignatures));
  for (const reference of known) await note(() => readLayers(reference));
  return { candidates, unreadable, more: left <= 0 || places.length > mostSignatures };
}

/** Manifests with signatures. The tag comes first: there is one, while anything may refer to an image. */
async function placesOf(
  repository: Repository,
  image: string,
  unreadable: string[],
): Promise<string[]> {
  const classic = `${image.replace(":", "-")}.sig`;
  try {
    const referrers = await referrersOf(repository, image);
    const signatures = referrers.filter(({ artifactType, annotations }) =>
      mayBeSignature(artifactType, annotations),
    );
    return [classic, ...signatures.map(({ digest }) => digest)];
  } catch (error) {
    if (!(error instanceof JsonRefused)) throw error;
    unreadable.push(`is in a list that ${error.message}`);
    return [classic];
  }
}

async function candidateIn(
  repository: Repository,
  layer: Descriptor,
): Promise<Candidate | undefined> {
  const bytes = await blobOf(repository, layer, mostOfSignature);
  return layer.mediaType === simpleSigning
    ? classicCandidate(bytes, layer.annotations ?? {})
    : bundleCandidate(bytes);
}
