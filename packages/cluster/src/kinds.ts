import { asking, getJson, ifThere, type Kube } from "@mcp-fleet/kube";

/** A kind of object, as its manifests name it. */
export interface ObjectKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Those of `kinds` that the cluster does not serve: their CRDs are not installed, or in another version. One
 * request for each `apiVersion`.
 *
 * @throws {UserError} when the cluster does not answer, or may not be asked what it serves
 */
export async function missingKinds<T extends ObjectKind>(
  kube: Kube,
  kinds: readonly T[],
): Promise<T[]> {
  const versions = [...new Set(kinds.map(({ apiVersion }) => apiVersion))];
  const served = new Map(
    await Promise.all(
      versions.map(async (version) => [version, await servedIn(kube, version)] as const),
    ),
  );
  return kinds.filter(({ apiVersion, kind }) => served.get(apiVersion)?.has(kind) !== true);
}

async function servedIn(kube: Kube, apiVersion: string): Promise<ReadonlySet<string>> {
  const served = await asking(kube, `list the kinds of ${apiVersion}`, () =>
    ifThere(getJson<{ resources: readonly { kind: string }[] }>(kube, `/apis/${apiVersion}`)),
  );
  return new Set(served?.resources.map(({ kind }) => kind));
}
