import { UserError } from "@mcp-fleet/errors";
import type { ImageVerdict } from "@mcp-fleet/images";
import type { Command } from "commander";

import type { CliContext } from "../../context";
import { openStack, type StackOptions, withStack } from "../../day-two/stack";
import { exitCodes } from "../../exit-codes";
import { newCommand } from "../../help";
import { table } from "../../terminal";

interface Options extends StackOptions {
  readonly key?: string;
  readonly issuer?: string;
  readonly identity?: string;
  readonly identityRegexp?: string;
  readonly trustedRoot?: string;
  readonly ignoreTlog?: true;
}

/** Says who signed images. Asks their registries and nothing else. */
export function imageVerifyCommand(context: CliContext): Command {
  return withStack(
    newCommand("verify", {
      example: "mcp-fleet image verify --key cosign.pub ghcr.io/acme/mcp-github:2.1.0",
    }),
    { file: false },
  )
    .description(
      "check who signed images, as the stack's verifyImages or --key or --issuer and --identity want it; code 10 when one is not signed so",
    )
    .argument("<image...>", "the images")
    .option("--key <file>", "the public key that has to have signed, in PEM")
    .option("--issuer <url>", "instead of it: who has to have vouched for the signer")
    .option("--identity <text>", "with it: the signer")
    .option("--identity-regexp <expression>", "instead: what the whole signer has to match")
    .option("--trusted-root <file>", "trusted_root.json of a private Sigstore")
    .option("--ignore-tlog", "beside --key: count signatures that are in no transparency log")
    .action((images: string[], options: Options) => verify(context, images, options));
}

async function verify(
  context: CliContext,
  images: readonly string[],
  options: Options,
): Promise<void> {
  const { findingLogins, readRules, verifyImage } = await import("@mcp-fleet/images");
  const { problemsOf, sentence, verifyImages } = await import("@mcp-fleet/schema");
  const given = options.key ?? options.issuer;
  const [written, directory] =
    given === undefined ? await ofStack(context, options) : [byOptions(options), process.cwd()];
  const parsed = verifyImages.safeParse(written);
  const read = parsed.success
    ? readRules(parsed.data, directory)
    : { rules: [], problems: problemsOf(parsed.error, verifyImages) };
  const [wrong] = read.problems;
  if (wrong !== undefined)
    throw new UserError(sentence(wrong), wrong.fix, { exitCode: exitCodes.usage });
  if (read.rules.length === 0)
    throw new UserError(
      "The stack has no rules in verifyImages.",
      "Write some, or name the signer with --key, or with --issuer and --identity.",
      { exitCode: exitCodes.usage },
    );
  const logins = findingLogins(() => Promise.resolve(undefined));
  const loginFor = (registry: string) => logins(registry, []);
  const verdicts = await Promise.all(
    images.map(async (image) => ({
      image,
      ...shownOf(await verifyImage(image, read.rules, { loginFor })),
    })),
  );
  await context.print(verdicts, () =>
    table(
      ["image", "state", { title: "why", folds: true }],
      verdicts.map(({ image, state, said, fix }) => ({
        cells: [image, state, said],
        notes: fix === undefined ? [] : [`fix: ${fix}`],
      })),
      context.width(),
    ),
  );
  const is = (state: Shown["state"]): boolean => verdicts.some((one) => one.state === state);
  context.findings(is("refused") || is("unmatched"));
  if (is("unseen")) process.exitCode = exitCodes.unreachable;
}

/** One rule for whatever is asked about. */
function byOptions(options: Options): object {
  const { key, issuer, identity, identityRegexp, trustedRoot, ignoreTlog } = options;
  const by =
    key === undefined
      ? {
          keyless: {
            issuer,
            ...(identity === undefined ? {} : { identity }),
            ...(identityRegexp === undefined ? {} : { identityRegExp: identityRegexp }),
          },
        }
      : { key };
  return {
    rules: [
      {
        images: ["*"],
        ...by,
        ...(trustedRoot === undefined ? {} : { trustedRoot }),
        ...(ignoreTlog === true ? { ignoreTlog } : {}),
      },
    ],
  };
}

async function ofStack(context: CliContext, options: Options): Promise<[unknown, string]> {
  const stack = await openStack(context, options);
  const value = (await stack.config())["mcp-fleet:verifyImages"]?.value;
  return [value === "" ? {} : (value ?? {}), stack.directory];
}

interface Shown {
  readonly state: ImageVerdict["state"];
  readonly said: string;
  readonly fix?: string;
  /** The image with the digest that was checked. */
  readonly digest?: string;
}

function shownOf(verdict: ImageVerdict): Shown {
  const { state } = verdict;
  switch (verdict.state) {
    case "signed":
      return { state, said: `by ${verdict.by.join(" and ")}`, digest: verdict.image };
    case "refused":
      return {
        state,
        said: verdict.faults.map(({ path, problem }) => `[${path}] ${problem}`).join(" "),
        fix: verdict.faults.map(({ fix }) => fix).join(" "),
      };
    case "unmatched":
      return { state, said: "No rule of verifyImages is about it." };
    case "unseen":
      return { state, said: `${verdict.from} was asked, and ${verdict.why}.`, fix: verdict.fix };
  }
}
