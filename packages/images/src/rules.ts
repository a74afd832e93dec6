import { createPublicKey, type KeyObject } from "node:crypto";
import { resolve } from "node:path";

import { messageOf, parseBoundedJson, readTextFile } from "@mcp-fleet/errors";
import {
  type Problem,
  type VerifyImages,
  type VerifyImagesRule,
  wholeMatch,
} from "@mcp-fleet/schema";
import type { TrustedRoot } from "@sigstore/protobuf-specs";

import { nameOf, parseImage, registryName } from "./reference";

/** A rule with everything it refers to loaded. */
export interface ImageRule {
  /** Its place in the configuration: `verifyImages.rules[0]`. */
  readonly at: string;
  readonly matches: (image: string) => boolean;
  readonly signer: WantedSigner;
  /** Whether a signature has to be in a transparency log. */
  readonly logged: boolean;
  /**
   * The trusted root for logs and identities.
   * @throws NoTrustError when it cannot be loaded
   */
  readonly trust: () => Promise<TrustedRoot>;
}

/** Who must have signed. */
type WantedSigner =
  | { readonly keys: readonly KeyObject[] }
  | {
      readonly issuer: string;
      readonly isIdentity: (identity: string) => boolean;
      /** The identity as the rule states it. */
      readonly shown: string;
    };

/**
 * Loads what the rules refer to.
 * @param directory of their files. @default the working directory, which is Pulumi.yaml's in a program
 * @returns the rules, or what is wrong with them
 */
export function readRules(
  { rules }: Pick<VerifyImages, "rules">,
  directory = process.cwd(),
): { readonly rules: readonly ImageRule[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const ofPublic = once(publicTrust);
  const attempt = <T>(path: string, fix: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push({ path, problem: `${messageOf(error)}.`, fix });
      return undefined;
    }
  };
  const read = rules.flatMap((rule, index): ImageRule[] => {
    const at = `verifyImages.rules[${index}]`;
    const signer = attempt(
      `${at}.key`,
      "Put the public key there, from where Pulumi.yaml is: cosign public-key --key <the private one>",
      () => signerOf(rule, directory),
    );
    const root = attempt(
      `${at}.trustedRoot`,
      "Put the trusted_root.json of your Sigstore there, from where Pulumi.yaml is.",
      () => fileOf(rule.trustedRoot, directory),
    );
    if (signer === undefined) return [];
    const logged = rule.ignoreTlog !== true;
    return [
      {
        ...{ at, signer, logged },
        matches: matcherOf(rule.images),
        trust: logged && root === undefined ? ofPublic : once(() => trustIn(root ?? {})),
      },
    ];
  });
  return { rules: read, problems };
}

function signerOf({ key, keyless }: VerifyImagesRule, directory: string): WantedSigner {
  if (keyless !== undefined) {
    const { issuer, identity, identityRegExp } = keyless;
    const whole = identityRegExp === undefined ? undefined : wholeMatch(identityRegExp);
    return {
      issuer,
      isIdentity: (found) => (whole === undefined ? found === identity : whole.test(found)),
      shown: identity ?? identityRegExp ?? "",
    };
  }
  return { keys: keysIn(textOf(key ?? "", directory)) };
}

/** The key's text, or that of the file it names. */
function textOf(key: string, directory: string): string {
  if (key.includes("-----BEGIN")) return key;
  try {
    return readTextFile(resolve(directory, key), 100_000);
  } catch (error) {
    throw new Error(`"${key}" cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function keysIn(text: string): KeyObject[] {
  if (text.includes("PRIVATE KEY"))
    throw new Error("holds a private key: whoever reads it can sign");
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? [];
  if (blocks.length === 0) throw new Error("holds no public key in PEM");
  return blocks.map((pem) => {
    const key = createPublicKey(pem);
    if (!["ec", "rsa"].includes(key.asymmetricKeyType ?? ""))
      throw new Error(
        `holds a key of type ${key.asymmetricKeyType}, and can be checked for ECDSA and RSA only`,
      );
    return key;
  });
}

function fileOf(path: string | undefined, directory: string): object | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readTextFile(resolve(directory, path));
  } catch (error) {
    throw new Error(`"${path}" cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    const root = parseBoundedJson(text, { characters: 4_194_304, depth: 32, values: 50_000 });
    if (typeof root === "object" && root !== null && "mediaType" in root) return root;
  } catch {
    // Reported below.
  }
  throw new Error(`"${path}" is no trusted root`);
}

/** Where Sigstore keeps its public root. */
const publicRoot = "tuf-repo-cdn.sigstore.dev";

/** The trusted root of a rule cannot be loaded. */
export class NoTrustError extends Error {
  constructor(
    readonly unseen: { readonly from: string; readonly why: string; readonly fix: string },
  ) {
    super(unseen.why);
  }
}

/** Where a file is named, only its roots are trusted. Without logs nothing is needed. */
async function trustIn(file: object): Promise<TrustedRoot> {
  const { TrustedRoot } = await import("@sigstore/protobuf-specs");
  return TrustedRoot.fromJSON(file);
}

async function publicTrust(): Promise<TrustedRoot> {
  const { getTrustedRoot } = await import("@sigstore/tuf");
  try {
    return await getTrustedRoot({ timeout: 5000, retry: 1 });
  } catch (error) {
    throw new NoTrustError({
      from: publicRoot,
      why: `the public Sigstore's root cannot be loaded: ${messageOf(error)}`,
      fix: `Make sure that this machine reaches ${publicRoot}, or name a trusted_root.json in the rule's trustedRoot.`,
    });
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

/** Matches registry and path in their usual spelling. */
function matcherOf(patterns: readonly string[]): (image: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const [first = "", ...rest] = pattern.split("/");
    const own = [registryName(first), ...rest].join("/");
    const parts = own.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`);
  });
  return (image) => {
    const name = nameOf(parseImage(image));
    return expressions.some((expression) => expression.test(name));
  };
}
