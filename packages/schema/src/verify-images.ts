import { z } from "zod";

/** Text with `*` for any characters, slashes included. */
const pattern = z
  .string()
  .max(500, "must have 500 characters at most")
  .regex(
    /^[A-Za-z0-9.*[\]:_-]+(\/[a-z0-9.*_-]+)*$/,
    "must be a registry and a path like ghcr.io/acme/*, without tag or digest",
  )
  .refine(
    (text) => /^[^/]*[.:*]|^localhost(\/|$)/.test(text),
    "must begin with the registry, like docker.io/acme/*",
  )
  .refine(
    (text) => text.includes("/") || text.includes("*"),
    "must name a repository or have a *, like ghcr.io/*",
  );

const keyless = z
  .strictObject({
    issuer: z
      .string()
      .min(1)
      .max(2000)
      .meta({
        description: "Who vouched for the signer: the OpenID Connect issuer in its certificate.",
        examples: ["https://token.actions.githubusercontent.com"],
      }),
    identity: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .meta({
        description:
          "The signer in its certificate, exactly: a workflow's URL or an e-mail address.",
        examples: ["https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main"],
      }),
    identityRegExp: z
      .string()
      .min(1)
      .max(2000)
      .refine(isRegExp, "must be a regular expression")
      .optional()
      .meta({
        description: "Instead of identity: a regular expression that the whole of it has to match.",
        examples: [
          String.raw`https://github\.com/acme/images/\.github/workflows/release\.yml@refs/tags/v[0-9.]+`,
        ],
      }),
  })
  .refine(
    ({ identity, identityRegExp }) => (identity === undefined) !== (identityRegExp === undefined),
    "must have one of identity and identityRegExp",
  );

const rule = z
  .strictObject({
    images: z
      .array(pattern)
      .min(1, "must name an image")
      .meta({
        description:
          "Which images: registry and path, as in docker.io/library/nginx. A * stands for any characters, slashes too; tag and digest are not compared.",
        examples: [["ghcr.io/acme/*"]],
      }),
    key: z
      .string()
      .min(1)
      .max(100_000)
      .refine((text) => !text.includes("PRIVATE KEY"), {
        message: "must be the public key: whoever has the private one can sign",
        abort: true,
      })
      .optional()
      .meta({
        description:
          "Public keys in PEM, one of which has to have signed, or a file with them, from where Pulumi.yaml is.",
        examples: ["cosign.pub"],
      }),
    keyless: keyless.optional().meta({
      description: "Instead of key: who signed, by a certificate of Fulcio.",
      examples: [
        {
          issuer: "https://token.actions.githubusercontent.com",
          identity: "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main",
        },
      ],
    }),
    trustedRoot: z
      .string()
      .min(1)
      .optional()
      .meta({
        description:
          "The trusted_root.json of a private Sigstore, from where Pulumi.yaml is. Default: the public one's, which is fetched.",
        examples: ["trusted_root.json"],
      }),
    ignoreTlog: z
      .boolean()
      .optional()
      .meta({
        description: "Beside key: whether signatures count that are in no transparency log.",
        examples: [true],
      }),
  })
  .refine(({ key, keyless: by }) => (key === undefined) !== (by === undefined), {
    message: "must have one of key and keyless",
  })
  .refine(({ keyless: by, ignoreTlog }) => by === undefined || ignoreTlog !== true, {
    path: ["ignoreTlog"],
    message:
      "goes with key only: without a log nothing proves that a certificate was valid when it signed",
  })
  .refine(({ trustedRoot, ignoreTlog }) => trustedRoot === undefined || ignoreTlog !== true, {
    path: ["trustedRoot"],
    message: "has no effect besides ignoreTlog",
  });

/** Which images need whose signatures. */
export const verifyImages = z
  .strictObject({
    rules: z
      .array(rule)
      .default([])
      .meta({
        description:
          "Which images have to be signed, and by whom. Every rule that an image matches has to hold; one without a rule is not checked.",
        examples: [[{ images: ["ghcr.io/acme/*"], key: "cosign.pub" }]],
      }),
    required: z
      .boolean()
      .default(false)
      .meta({
        description: "Whether an image that no rule matches is refused.",
        examples: [true],
      }),
  })
  .refine(({ rules, required }) => !required || rules.length > 0, {
    path: ["rules"],
    message: "are needed where required is true: no image could be deployed",
  });

/** The value of the key `verifyImages`. */
export type VerifyImages = z.output<typeof verifyImages>;

/** A set of images, and whose signature they need. */
export type VerifyImagesRule = VerifyImages["rules"][number];

/** Matches the whole text: an identity with an additional suffix is another identity. */
export function wholeMatch(expression: string): RegExp {
  return new RegExp(`^(?:${expression})$`, "u");
}

function isRegExp(text: string): boolean {
  try {
    // Compiled without the group first: `a)|(?:b` is valid only inside of it.
    new RegExp(text, "u");
    wholeMatch(text);
    return true;
  } catch {
    return false;
  }
}
