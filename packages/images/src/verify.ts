import { JsonRefused } from "@mcp-fleet/errors";

import { checkCandidate } from "./check";
import type { RegistryLogin } from "./login";
import { digestOf } from "./manifest";
import { nameOf, parseImage, pinned } from "./reference";
import { RegistryError, Repository } from "./registry";
import { type ImageRule, NoTrustError } from "./rules";
import { type FoundSignatures, mostSignatures, signaturesOf } from "./signatures";

/** The result for an image's signatures. */
export type ImageVerdict =
  /** No rule matches it. */
  | { readonly state: "unmatched" }
  /** Its signatures satisfy the rules. `image` has the verified digest, `by` the signers. */
  | { readonly state: "signed"; readonly image: string; readonly by: readonly string[] }
  | { readonly state: "refused"; readonly faults: readonly RuleFault[] }
  /** Unknown: which host was asked, what it did not return, and what to do about it. */
  | {
      readonly state: "unseen";
      readonly from: string;
      readonly why: string;
      readonly fix: string;
    };

/** A rule that the image violates. */
export interface RuleFault {
  /** The rule's place in the configuration. */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/** How an image is verified. */
export interface VerifyOptions {
  /** The login for a registry, where there is one. */
  readonly loginFor?: (registry: string) => Promise<RegistryLogin | undefined>;
  /**
   * Time limit for all requests to its registry, in milliseconds.
   * @default 60000
   */
  readonly limitMs?: number;
}

/**
 * Whether an image has the signatures that every matching rule requires. A tag is resolved once, and that digest
 * is verified.
 */
export async function verifyImage(
  image: string,
  rules: readonly ImageRule[],
  { loginFor, limitMs = 60_000 }: VerifyOptions = {},
): Promise<ImageVerdict> {
  const own = rules.filter(({ matches }) => matches(image));
  if (own.length === 0) return { state: "unmatched" };
  const { reference, ...place } = parseImage(image);
  const given = /^[a-z0-9+._-]+:[0-9a-fA-F]+$/.test(reference);
  if (given && !/^sha256:[0-9a-f]{64}$/.test(reference)) return otherDigest(image, own);
  try {
    const login = await loginFor?.(place.registry);
    const repository = new Repository(place, login, Date.now() + limitMs);
    const digest = given ? reference : await digestOf(repository, reference);
    const found = await signaturesOf(repository, digest);
    return await judge(image, digest, found, own);
  } catch (error) {
    return unseen(place.registry, error);
  }
}

function unseen(registry: string, error: unknown): ImageVerdict {
  if (error instanceof NoTrustError) return { state: "unseen", ...error.unseen };
  const refused = error instanceof JsonRefused;
  if (!refused && !(error instanceof RegistryError)) throw error;
  const [state, why] = refused
    ? ["unreachable" as const, `what it answers ${error.message}`]
    : [error.state, error.why];
  const fixes = {
    missing: "Build and push it, or correct its name.",
    denied: `Log in on this machine (docker login ${registry}), or name a Secret with a login in imagePullSecrets.`,
    unreachable: `Make sure that this machine reaches ${registry}: that nodes have the image does not show who made it.`,
  };
  return { state: "unseen", from: registry, why, fix: fixes[state] };
}

async function judge(
  image: string,
  digest: string,
  found: FoundSignatures,
  rules: readonly ImageRule[],
): Promise<ImageVerdict> {
  const by: string[] = [];
  const faults: RuleFault[] = [];
  for (const rule of rules) {
    const against: string[] = [];
    let signer: string | undefined;
    for (const candidate of found.candidates) {
      const checked = await checkCandidate(candidate, rule, digest);
      if ("by" in checked) signer ??= checked.by;
      else against.push(checked.fault);
      if (signer !== undefined) break;
    }
    if (signer !== undefined) by.push(signer);
    else faults.push(faultOf(image, digest, rule, { ...found, against }));
  }
  return faults.length > 0
    ? { state: "refused", faults }
    : { state: "signed", image: pinned(image, digest), by };
}

/** How many different reasons a message lists. */
const mostReasons = 3;

function faultOf(
  image: string,
  digest: string,
  rule: ImageRule,
  { against, unreadable, more }: FoundSignatures & { readonly against: readonly string[] },
): RuleFault {
  const reasons = [...new Set([...against, ...unreadable])];
  const shown = reasons.slice(0, mostReasons).map((one) => `one ${one}`);
  const rest = reasons.length > mostReasons ? ["others likewise"] : [];
  const beyond = more ? [`only the first ${mostSignatures} were checked`] : [];
  const found = [...shown, ...rest, ...beyond].join("; ");
  return {
    path: rule.at,
    problem: `${pinned(image, digest)} ${
      reasons.length === 0 ? "has no signature" : `has no signature that counts: ${found}`
    }.`,
    fix: `${signing(rule, image, digest)}, or correct ${rule.at}.`,
  };
}

function signing({ signer }: ImageRule, image: string, digest: string): string {
  const what = `${nameOf(parseImage(image))}@${digest}`;
  return "keys" in signer
    ? `Sign it: cosign sign --key <the private key> ${what}`
    : `Have ${signer.shown} sign it: cosign sign ${what}`;
}

function otherDigest(image: string, rules: readonly ImageRule[]): ImageVerdict {
  return {
    state: "refused",
    faults: rules.map(({ at }) => ({
      path: at,
      problem: `${image} is named by a digest that is not sha256, and signatures are of those.`,
      fix: "Name it by its tag or its sha256 digest.",
    })),
  };
}
