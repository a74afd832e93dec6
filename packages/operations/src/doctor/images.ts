import { isUserError, JsonRefused } from "@mcp-fleet/errors";
import {
  askRegistry,
  type ImageAnswer,
  loginsIn,
  parseImage,
  type RegistryLogin,
} from "@mcp-fleet/images";
import { asking, type Kube, statusOf } from "@mcp-fleet/kube";

import { bad, type Finding, ok, refused } from "./finding";

/** An image that a pod of the stack runs. */
export interface WantedImage {
  readonly image: string;
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
}

const check = "images";

/**
 * Whether each image can be pulled, according to its registry and from this machine. If the registry does not
 * answer here, the finding says so: the nodes may reach it, or already have the image.
 * @param kube where the pull secrets are; without it, registries are asked without a login
 */
export async function checkImages(
  wanted: readonly WantedImage[],
  kube: Kube | undefined,
): Promise<Finding[]> {
  const secrets = new Map<string, Promise<Secret>>();
  const secretOf = (namespace: string, name: string): Promise<Secret> => {
    const place = `${namespace}/${name}`;
    const known = secrets.get(place) ?? readSecret(kube, namespace, name);
    secrets.set(place, known);
    return known;
  };
  const images = [...new Map(wanted.map((one) => [one.image, one])).values()];
  const answers = await Promise.all(
    images.map(async (one) => {
      const found = await Promise.all(one.pullSecrets.map((name) => secretOf(one.namespace, name)));
      const logins = found.flatMap((secret) => [...secret.logins]);
      const { registry, ...place } = parseImage(one.image);
      const login = logins.find(([name]) => name === registry)?.[1];
      return { ...one, registry, answer: await askRegistry({ registry, ...place }, login) };
    }),
  );
  const findings = [
    ...answers.flatMap((one) => imageFinding(one)),
    ...unseenRegistries(answers.filter(({ answer }) => answer.state === "unreachable")),
  ];
  const said = new Set<string>();
  for (const secret of secrets.values()) {
    const { finding } = await secret;
    if (finding !== undefined && !said.has(finding.said)) {
      said.add(finding.said);
      findings.push(finding);
    }
  }
  return findings;
}

interface Asked extends WantedImage {
  readonly registry: string;
  readonly answer: ImageAnswer;
}

function imageFinding({ image, namespace, pullSecrets, registry, answer }: Asked): Finding[] {
  const { state, why } = answer;
  if (state === "unreachable") return [];
  if (state === "there") return [ok(check, `${image} is in its registry`)];
  const said = `${image}: ${registry} says that ${why}`;
  if (state === "missing")
    return [bad(check, said, "Build and push it, or correct its name in the stack file.")];
  return [
    bad(
      check,
      said,
      pullSecrets.length === 0
        ? `Log in (docker login ${registry}), make a pull secret of it, and name that in imagePullSecrets: ${making(namespace, "<name>")}`
        : `Look at the login for ${registry} in ${pullSecrets.join(", ")} of namespace ${namespace}.`,
    ),
  ];
}

/** One line for each registry: if it does not answer for one image, it does not answer for the others. */
function unseenRegistries(unseen: readonly Asked[]): Finding[] {
  const places = new Map(unseen.map(({ registry, answer }) => [registry, answer.why]));
  return [...places].map(([registry, why]) => {
    const images = unseen.filter((one) => one.registry === registry).map(({ image }) => image);
    return {
      check,
      state: "unseen",
      said: `${registry} was not seen from this machine (${why}), so whether these can be pulled is not known: ${images.join(", ")}`,
      fix: `Make sure that this is its real name, or pull from a node: crictl pull ${images[0]}`,
    };
  });
}

/** A command without a password in its arguments. */
function making(namespace: string, name: string): string {
  return `kubectl -n ${namespace} create secret generic ${name} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=$HOME/.docker/config.json`;
}

interface Secret {
  readonly logins: ReadonlyMap<string, RegistryLogin>;
  readonly finding?: Finding;
}

async function readSecret(
  kube: Kube | undefined,
  namespace: string,
  name: string,
): Promise<Secret> {
  const none = new Map<string, RegistryLogin>();
  const make = making(namespace, name);
  if (kube === undefined) return { logins: none };
  try {
    const { data } = await kube.core.readNamespacedSecret({ namespace, name });
    const text = data?.[".dockerconfigjson"];
    if (text === undefined) {
      const said = `the pull secret ${namespace}/${name} is not a login for registries`;
      return { logins: none, finding: bad(check, said, `Make it anew: ${make}`) };
    }
    return { logins: loginsIn(Buffer.from(text, "base64").toString("utf8")) };
  } catch (error) {
    if (error instanceof JsonRefused) {
      const said = `the pull secret ${namespace}/${name} ${error.message}`;
      return { logins: none, finding: bad(check, said, `Make it anew: ${make}`) };
    }
    if (statusOf(error) === 404) {
      const said = `there is no pull secret ${namespace}/${name}`;
      return { logins: none, finding: bad(check, said, `Make it: ${make}`) };
    }
    const explained = await asking(kube, `read Secret ${namespace}/${name}`, () =>
      Promise.reject(error as Error),
    ).catch((one: unknown) => one);
    if (!isUserError(explained)) throw explained;
    return { logins: none, finding: refused(check, explained, "unseen") };
  }
}
