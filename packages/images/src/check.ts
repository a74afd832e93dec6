import type { KeyObject } from "node:crypto";

import { cleanLine } from "@mcp-fleet/errors";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import type { SignedEntity } from "@sigstore/verify";

import type { Candidate } from "./candidate";
import type { ImageRule } from "./rules";

/** The signer chooses parts of the identity, and a rule's regular expression is run on it. */
const mostOfIdentity = 2000;

/** The result of one signature against one rule: who signed, or why it does not count, as the end of a sentence. */
export type Checked = { readonly by: string } | { readonly fault: string };

/**
 * Whether a signature satisfies a rule.
 * @param image the digest that must be signed
 * @throws NoTrustError when the rule's trusted root cannot be loaded
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
    return { fault: "was made with a key, and a rule with keyless requires an identity" };
  const found = await byCertificate(entity, root);
  if ("fault" in found) return found;
  const { identity, issuer } = found;
  const who = `${cleanLine(identity, 300)} of ${cleanLine(issuer, 300)}`;
  const isPlain = identity !== "" && identity.length <= mostOfIdentity;
  return isPlain && signer.isIdentity(identity) && issuer === signer.issuer
    ? { by: who }
    : { fault: `is by ${who}` };
}

/**
 * Verifies against the rule's key. A certificate that comes with the signature is ignored.
 * @returns why it does not count
 */
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
      // A key has no validity period.
      timestamps: [],
      tlogEntries: logged ? entity.tlogEntries : [],
    });
  });
}

/**
 * The signer according to the certificate, if a trusted authority issued it and it was valid at a proven time.
 * Logs in the trusted root are required; a private Sigstore may have none.
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

/** What failed, by the library's error code; its own message follows. */
const faults: Readonly<Record<string, string>> = {
  SIGNATURE_ERROR: "was not made by the required signer",
  CERTIFICATE_ERROR: "has a certificate that is not trusted, or was not valid when it signed",
  TIMESTAMP_ERROR: "has no proof of its time",
  PUBLIC_KEY_ERROR: "is not by the key",
  TLOG_ERROR: "is not in a transparency log that is trusted",
  TLOG_MISSING_INCLUSION_ERROR: "is not in a transparency log that is trusted",
  TLOG_INCLUSION_PROOF_ERROR: "is not in a transparency log that is trusted",
  TLOG_INCLUSION_PROMISE_ERROR: "is not in a transparency log that is trusted",
  TLOG_BODY_ERROR: "differs from the entry in the transparency log",
};

/** Whatever the library throws for foreign bytes means that the signature does not count. */
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
