import type { Catalog } from "./catalog";
import {
  claimsTwice,
  nodePortsTwice,
  sameNames,
  type SecretNames,
  secretsOfNobody,
  serverProblems,
} from "./checks";
import { ownValue } from "./own";
import type { Problem } from "./problems";
import type { ServerSettings } from "./server";
import { serverNameOf } from "./server-name";
import type { StackSettings } from "./stack";

/** A server with everything decided: the schema's output, and what only the whole stack can say. */
export interface ResolvedServer extends ServerSettings {
  readonly key: string;
  readonly name: string;
  readonly image: string;
  readonly port: number;
  readonly requestSeconds: number;
  readonly imagePullSecrets: string[];
  /** Every credential the server is configured with, by name. */
  readonly credentialKeys: readonly string[];
}

/** The servers of a stack in the order of their keys; everything wrong is added to `problems`. */
export function resolveServers(
  settings: StackSettings,
  catalog: Catalog,
  secrets: Readonly<Record<string, SecretNames>>,
  problems: Problem[],
): ResolvedServer[] {
  // The engine hands objects over with sorted keys, a stack file has them in any order: the plan must not differ.
  const enabled = Object.entries(settings.servers)
    .filter(([, own]) => own.enabled)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const servers = enabled.flatMap(([key, own]) => {
    const found = serverProblems(key, own, ownValue(secrets, key), settings, catalog);
    problems.push(...found);
    return found.length > 0 ? [] : [resolve(key, own, ownValue(secrets, key), settings)];
  });
  problems.push(
    ...secretsOfNobody(settings, secrets),
    ...sameNames(servers, settings),
    ...claimsTwice(servers),
    ...nodePortsTwice(settings.servers),
  );
  return servers;
}

function resolve(
  key: string,
  own: ServerSettings,
  secrets: SecretNames | undefined,
  settings: StackSettings,
): ResolvedServer {
  const { image = "", port = 0 } = own;
  const credentialKeys = new Set([
    ...Object.keys(own.env),
    ...(secrets?.keys ?? []),
    ...own.secretKeys,
    ...externalKeys(own),
  ]);
  return {
    ...own,
    ...{ key, image, port },
    name: serverNameOf(key, own),
    requestSeconds: own.requestSeconds ?? own.startSeconds,
    imagePullSecrets: own.imagePullSecrets ?? settings.imagePullSecrets,
    credentialKeys: [...credentialKeys].sort(),
  };
}

/** The variables of a Secret out of a store, where they are named one by one. */
function externalKeys({ secret }: ServerSettings): string[] {
  return typeof secret === "object" && "external" in secret
    ? Object.keys(secret.external.keys ?? {})
    : [];
}
