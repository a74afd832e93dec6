import { isUserError, JsonRefused, messageOf } from "@mcp-fleet/errors";
import type { SignedEntity } from "@sigstore/verify";
import { z } from "zod";

import { jsonOf, sha256 } from "./manifest";

/** A signature as found; nothing of it is verified yet. */
export interface Candidate {
  /** The digests that it claims to sign. */
  readonly of: readonly string[];
  readonly entity: SignedEntity;
}

/** Why something is not a signature that can be verified. */
export class Unreadable extends Error {}

/** The type that `cosign sign` gives to what it signs, in both formats. */
const simpleType = "cosign container image signature";
const statementType = "https://sigstore.dev/cosign/sign/v1";

export const simpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
export const isBundleType = (type: string): boolean =>
  type.startsWith("application/vnd.dev.sigstore.bundle");

/**
 * Whether a list of referrers leaves it possible that a bundle is a signature. This saves requests for SBOMs and
 * provenance.
 */
export function mayBeSignature(
  type: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
): boolean {
  const predicate = annotations["dev.sigstore.bundle.predicateType"] ?? statementType;
  // Some lists contain the type of the manifest's config here, some nothing.
  return (
    predicate === statementType &&
    (type === undefined || /sigstore\.bundle|cosign|oci\.empty|oci\.image\.config/.test(type))
  );
}

const text = (most: number) => z.string().max(most);

const simple = z.object({
  critical: z.object({
    type: z.literal(simpleType),
    image: z.object({ "docker-manifest-digest": text(200) }),
  }),
});

const logged = z.object({
  SignedEntryTimestamp: text(4000),
  Payload: z.object({
    body: text(200_000),
    integratedTime: z.int(),
    logIndex: z.int(),
    logID: text(200),
  }),
});

const stamped = z.object({ SignedRFC3161Timestamp: text(100_000) });
const entry = z.object({ kind: text(100), apiVersion: text(100) });

/**
 * A signature in cosign's original format: the signed text is a layer, and the rest is in its annotations.
 * @throws Unreadable
 */
export async function classicCandidate(
  payload: Buffer,
  annotations: Readonly<Record<string, string>>,
): Promise<Candidate> {
  return reading("a signature", async () => {
    const claim = simple.parse(jsonOf(payload, payload.length));
    const signature = annotations["dev.cosignproject.cosign/signature"];
    if (signature === undefined) throw new Unreadable("is without its signature");
    const certificate = annotations["dev.sigstore.cosign/certificate"];
    const log = annotated(logged, annotations["dev.sigstore.cosign/bundle"]);
    const stamp = annotated(stamped, annotations["dev.sigstore.cosign/rfc3161timestamp"]);
    const bundle = {
      mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
      verificationMaterial: {
        ...(certificate === undefined || certificate === ""
          ? { publicKey: { hint: "" } }
          : { x509CertificateChain: { certificates: [{ rawBytes: derOf(certificate) }] } }),
        tlogEntries: log === undefined ? [] : [entryOf(log)],
        timestampVerificationData: {
          rfc3161Timestamps:
            stamp === undefined ? [] : [{ signedTimestamp: stamp.SignedRFC3161Timestamp }],
        },
      },
      messageSignature: {
        messageDigest: {
          algorithm: "SHA2_256",
          digest: Buffer.from(sha256(payload).slice("sha256:".length), "hex").toString("base64"),
        },
        signature,
      },
    };
    const { bundleFromJSON, toSignedEntity } = await sigstore();
    return {
      of: [claim.critical.image["docker-manifest-digest"]],
      entity: toSignedEntity(bundleFromJSON(bundle), payload),
    };
  });
}

/** Rekor's answer in the form that bundles use. */
function entryOf({ SignedEntryTimestamp, Payload }: z.output<typeof logged>): object {
  const { body, integratedTime, logIndex, logID } = Payload;
  const { kind, apiVersion } = entry.parse(jsonOf(Buffer.from(body, "base64"), body.length));
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: body,
  };
}

function annotated<T extends z.ZodType>(
  shape: T,
  value: string | undefined,
): z.output<T> | undefined {
  if (value === undefined || value === "") return undefined;
  return shape.parse(jsonOf(Buffer.from(value), value.length));
}

function derOf(pem: string): string {
  const found = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem);
  if (found?.[1] === undefined) throw new Unreadable("contains an invalid certificate");
  return found[1].replace(/\s/g, "");
}

const statement = z.object({
  _type: z.enum(["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"]),
  predicateType: text(1000),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(1000),
});

/**
 * A signature in a Sigstore bundle: a statement about an image. Undefined for another statement, such as an SBOM
 * or a provenance: its author does not say that the image may run.
 * @throws Unreadable
 */
export async function bundleCandidate(bytes: Buffer): Promise<Candidate | undefined> {
  return reading("a bundle", async () => {
    const { bundleFromJSON, toSignedEntity } = await sigstore();
    const bundle = bundleFromJSON(jsonOf(bytes, bytes.length));
    const { content } = bundle;
    if (content.$case !== "dsseEnvelope") throw new Unreadable("signs a file and not an image");
    const { payloadType, payload } = content.dsseEnvelope;
    if (payloadType !== "application/vnd.in-toto+json")
      throw new Unreadable("has an unknown payload type");
    const said = statement.parse(jsonOf(Buffer.from(payload), payload.length));
    if (said.predicateType !== statementType) return undefined;
    return {
      of: said.subject.flatMap(({ digest }) =>
        digest.sha256 === undefined ? [] : [`sha256:${digest.sha256}`],
      ),
      entity: toSignedEntity(bundle),
    };
  });
}

/** Loaded only when something is verified: a stack without rules never loads it. */
async function sigstore() {
  const [{ bundleFromJSON }, { toSignedEntity }] = await Promise.all([
    import("@sigstore/bundle"),
    import("@sigstore/verify"),
  ]);
  return { bundleFromJSON, toSignedEntity };
}

/** Whatever a parser throws for foreign bytes means one thing here: they cannot be read. */
async function reading<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unreadable || isUserError(error)) throw error;
    if (error instanceof JsonRefused) throw new Unreadable(error.message);
    const why = error instanceof z.ZodError ? "it lacks what one has" : messageOf(error);
    throw new Unreadable(`is not ${what} (${why})`);
  }
}
