import type { ImageVerdict } from "@mcp-fleet/images";
import {
  ConfigError,
  imagesOfStack,
  type Problem,
  renameImages,
  type StackImage,
} from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/** Time limit of a registry for one image, in milliseconds: a preview does not wait for a silent one. */
const [updateMs, previewMs] = [60_000, 5_000];

/**
 * Verifies the images of a stack against `verifyImages`, before anything is created. A preview reports what it
 * could not verify.
 *
 * @returns the same stack, in which each verified image has its verified digest, so that a tag cannot move later
 * @throws ConfigError naming every image that its rules reject; in an update also those that could not be
 * verified
 */
export async function verifiedImages(config: StackConfig): Promise<StackConfig> {
  const { verifyImages } = config.settings;
  if (verifyImages.rules.length === 0) return config;
  const { findingLogins, readRules, verifyImage } = await import("@mcp-fleet/images");
  const { rules, problems } = readRules(verifyImages);
  if (problems.length > 0) throw new ConfigError(problems);
  const preview = pulumi.runtime.isDryRun();
  const limitMs = preview ? previewMs : updateMs;
  const findLogin = findingLogins((name) => pullSecret(config, name));
  const verdicts = await Promise.all(
    eachOnce(imagesOfStack(config)).map(async (one): Promise<[StackImage, ImageVerdict]> => {
      const loginFor = (registry: string) => findLogin(registry, one.pullSecrets);
      return [one, await verifyImage(one.image, rules, { loginFor, limitMs })];
    }),
  );
  const refused = verdicts.flatMap((one) => problemsWith(one, verifyImages.required, preview));
  if (refused.length > 0) throw new ConfigError(refused);
  await say(verdicts);
  const signed = new Map(
    verdicts.flatMap(([{ image }, verdict]) =>
      verdict.state === "signed" ? [[image, verdict.image] as const] : [],
    ),
  );
  return renameImages(config, (image) => signed.get(image) ?? image);
}

function eachOnce(images: readonly StackImage[]): StackImage[] {
  const first = new Map<string, StackImage>();
  for (const one of images) if (!first.has(one.image)) first.set(one.image, one);
  return [...first.values()];
}

function problemsWith(
  [{ image, path }, verdict]: readonly [StackImage, ImageVerdict],
  required: boolean,
  preview: boolean,
): Problem[] {
  switch (verdict.state) {
    case "signed":
      return [];
    case "refused":
      return verdict.faults.map((fault) => ({ ...fault, problem: `${path}: ${fault.problem}` }));
    case "unmatched":
      return required
        ? [
            {
              path,
              problem: `"${image}" matches no rule of verifyImages, and verifyImages.required is true.`,
              fix: "Write a rule for it in verifyImages.rules.",
            },
          ]
        : [];
    case "unseen": {
      const problem = `the signatures of ${image} cannot be checked: ${verdict.from} was asked, and ${verdict.why}.`;
      return preview ? [] : [{ path, problem, fix: verdict.fix }];
    }
  }
}

/** The results for the reader of the preview. Images without a rule are not verified. */
async function say(verdicts: readonly (readonly [StackImage, ImageVerdict])[]): Promise<void> {
  const of = (state: ImageVerdict["state"]): string[] =>
    verdicts.flatMap(([{ image }, verdict]) => (verdict.state === state ? [image] : []));
  const [signed, unmatched, unseen] = [of("signed"), of("unmatched"), of("unseen")];
  const without = unmatched.length === 0 ? "" : ` No rule is about ${unmatched.join(", ")}.`;
  const count = signed.length === 1 ? "1 image is" : `${signed.length} images are`;
  await pulumi.log.info(`[verifyImages] ${count} signed as verifyImages requires.${without}`);
  if (unseen.length === 0) return;
  const why = new Map(
    verdicts.flatMap(([, verdict]) =>
      verdict.state === "unseen" ? [[verdict.from, verdict.why] as const] : [],
    ),
  );
  const reasons = [...why].map((one) => one.join(": ")).join("; ");
  await pulumi.log.warn(
    `[verifyImages] Signatures could not be verified (${reasons}). An update checks them, and pins the digests that are missing here: ${unseen.join(", ")}.`,
  );
}

/** The login of a pull secret, if this identity may read it. */
async function pullSecret(
  { settings: { namespace }, kubernetes }: StackConfig,
  secret: string,
): Promise<string | undefined> {
  if (kubernetes.rendered) return undefined;
  const { readObjectKey } = await import("@mcp-fleet/kube");
  const from = { secret, key: ".dockerconfigjson" };
  const seen = await seeCluster(kubernetes, (kube) =>
    readObjectKey(kube, namespace, from, "imagePullSecrets"),
  );
  return "answer" in seen ? seen.answer : undefined;
}
