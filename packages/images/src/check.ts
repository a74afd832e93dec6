import type { KeyObject } from "node:crypto";

import { cleanLine } from "@mcp-fleet/errors";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import type { SignedEntity } from "@sigstore/verify";

import type { Candidate } from "./candidate";
import type { ImageRule } from "./rules";

/** Whoever signs chooses parts of it, and a rule's expression is tried on it. */
const mostOfIdentity = 2000;

/** What came of one signature and one rule: who signed, or why it does not count, as the end of a sentence. */
export type Checked = { readonly by: string } | { readonly fault: string };

/**
 * Whether a signature is what a rule wants.
 * @param image the digest that it has to be of
 * @throws NoTrustError when whom the rule trusts cannot be had
 */
export async function checkCandidate(
  { of, entity }: Candidate,
  rule: ImageRule,
  image: string,
): Promise<Checked> {
  if (!of.includes(image))
    return { fault: `is of ${cleanLine(of[0] ?? "no image", 80)} and not of this image` };
  const { signer } = rule;
  const root = await rule.trust();
  if ("keys" in signer) {
    const results = await Promise.all(
      signer.keys.map((key) => byKey(entity, key, root, rule.logged)),
    );
    const fault = results.every((one) => one !== undefined) ? results[0] : undefined;
    return fault === undefined ? { by: "the key" } : { fault };
  }
  if (entity.key.$case !== "certificate")
    return { fault: "is by a key, and a rule with keyless wants an identity" };
  const found = await byCertificate(entity, root);
  if ("fault" in found) return found;
  const { identity, issuer } = found;
  const who = `${cleanLine(identity, 300)} of ${cleanLine(issuer, 300)}`;
  const isPlain = identity !== "" && identity.length <= mostOfIdentity;
  return isPlain && signer.isIdentity(identity) && issuer === signer.issuer
    ? { by: who }
    : { fault: `is by ${who}` };
}

/** A certificate that the signature brings is not asked: the key is the rule's. @returns why it does not count */
async function byKey(
  entity: SignedEntity,
  key: KeyObject,
  root: TrustedRoot,
  logged: boolean,
): Promise<string | undefined> {
  const { toTrustMaterial, Verifier } = await import("@sigstore/verify");
  return faultOf(() => {
    const trusted = toTrustMaterial(root, () => ({ publicKey: key, validFor: () => true }));
    const verifier = new Verifier(trusted, {
      ctlogThreshold: 0,
      tlogThreshold: logged ? 1 : 0,
      timestampThreshold: 0,
    });
    verifier.verify({
      ...entity,
      key: { $case: "public-key", hint: "" },
      // A key has no time in which it is valid.
      timestamps: [],
      tlogEntries: logged ? entity.tlogEntries : [],
    });
  });
}

/**
 * Who the certificate says has signed, once it is one of a trusted authority that was valid at a time which is proved.
 * Logs that the trusted root has are needed; a private Sigstore may be without.
 */
async function byCertificate(
  entity: SignedEntity,
  root: TrustedRoot,
): Promise<{ readonly identity: string; readonly issuer: string } | { readonly fault: string }> {
  const { toTrustMaterial, Verifier } = await import("@sigstore/verify");
  let found = { identity: "", issuer: "" };
  const fault = faultOf(() => {
    const verifier = new Verifier(toTrustMaterial(root), {
      ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
      tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
      timestampThreshold: 1,
    });
    const { identity = {} } = verifier.verify(entity);
    found = {
      identity: identity.subjectAlternativeName ?? "",
      issuer: identity.extensions?.issuer ?? "",
    };
  });
  return fault === undefined ? found : { fault };
}

/** What of it failed, by the code that the library gives; its own words follow. */
const faults: Readonly<Record<string, string>> = {
  SIGNATURE_ERROR: "is not by the signer that is wanted",
  CERTIFICATE_ERROR: "has a certificate that is not trusted, or was not valid when it signed",
  TIMESTAMP_ERROR: "has nothing that proves when it was made",
  PUBLIC_KEY_ERROR: "is not by the key",
  TLOG_ERROR: "is not in a transparency log that is trusted",
  TLOG_MISSING_INCLUSION_ERROR: "is not in a transparency log that is trusted",
  TLOG_INCLUSION_PROOF_ERROR: "is not in a transparency log that is trusted",
  TLOG_INCLUSION_PROMISE_ERROR: "is not in a transparency log that is trusted",
  TLOG_BODY_ERROR: "is another one than the transparency log has",
};

/** What the library throws of somebody else's bytes is a signature that does not count, whatever it is. */
function faultOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const plain = typeof code === "string" ? faults[code] : undefined;
    const words = cleanLine(typeof message === "string" ? message : String(error), 200);
    return `${plain ?? "cannot be checked"} (${words})`;
  }
}
