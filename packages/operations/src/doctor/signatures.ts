import { findingLogins, type ImageVerdict, readRules, verifyImage } from "@mcp-fleet/images";
import { type Kube, readObjectKey } from "@mcp-fleet/kube";
import { verifyImages } from "@mcp-fleet/schema";

import { bad, type Finding, ok } from "./finding";
import type { WantedImage } from "./images";

const check = "signatures";

/**
 * Whether the images have the signatures that `verifyImages` requires, verified from this machine.
 * @param rules the value of that key; without it nothing is checked, and the program reports a wrong one
 * @param kube where the pull secrets are; without it this machine's own logins are used
 * @param directory of the rules' files
 */
export async function checkSignatures(
  wanted: readonly WantedImage[],
  rules: unknown,
  kube: Kube | undefined,
  directory?: string,
): Promise<Finding[]> {
  const { data } = verifyImages.safeParse(rules ?? {});
  if (data === undefined || data.rules.length === 0) return [];
  const read = readRules(data, directory);
  if (read.problems.length > 0)
    return read.problems.map(({ path, problem, fix }) => bad(check, `[${path}] ${problem}`, fix));
  const images = [...new Map(wanted.map((one) => [one.image, one])).values()];
  const finders = new Map(
    images.map(({ namespace }) => [
      namespace,
      findingLogins((secret) => pullSecret(kube, namespace, secret)),
    ]),
  );
  const found = await Promise.all(
    images.map(async ({ image, namespace, pullSecrets }) => {
      const loginFor = async (registry: string) => finders.get(namespace)?.(registry, pullSecrets);
      return findingsOf(image, await verifyImage(image, read.rules, { loginFor }), data.required);
    }),
  );
  return found.flat();
}

function findingsOf(image: string, verdict: ImageVerdict, required: boolean): Finding[] {
  switch (verdict.state) {
    case "signed":
      return [ok(check, `${verdict.image} is signed by ${verdict.by.join(" and ")}`)];
    case "refused":
      return verdict.faults.map(({ path, problem, fix }) =>
        bad(check, `[${path}] ${problem}`, fix),
      );
    case "unmatched":
      return required
        ? [bad(check, `no rule is about ${image}`, "Write one in verifyImages.rules.")]
        : [{ check, state: "warn", said: `no rule is about ${image}, so it is not checked` }];
    case "unseen":
      return [
        {
          check,
          state: "unseen",
          said: `${verdict.from} was asked, and ${verdict.why}, so who signed ${image} is not known`,
          fix: verdict.fix,
        },
      ];
  }
}

async function pullSecret(
  kube: Kube | undefined,
  namespace: string,
  secret: string,
): Promise<string | undefined> {
  if (kube === undefined) return undefined;
  const from = { secret, key: ".dockerconfigjson" };
  // A wrong pull secret is a finding of its own.
  return readObjectKey(kube, namespace, from, "imagePullSecrets").catch(() => undefined);
}
