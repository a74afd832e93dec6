import type { Catalog } from "./catalog";
import {
  claimsTwice,
  nodePortsTwice,
  sameNames,
  type SecretNames,
  secretsWithoutServer,
  serverProblems,
} from "./checks";
import { ownValue } from "./own";
import type { Problem } from "./problems";
import type { ServerSettings } from "./server";
import { serverNameOf } from "./server-name";
import type { StackSettings } from "./stack";

/** A server with every value decided: the schema's output, and what depends on the whole stack. */
export interface ResolvedServer extends ServerSettings {
  readonly key: string;
  readonly name: string;
  readonly image: string;
  readonly port: number;
  readonly requestSeconds: number;
  readonly imagePullSecrets: string[];
  /** The names of all credentials that the server is configured with. */
  readonly credentialKeys: readonly string[];
}

/** The servers of a stack, sorted by key. Every mistake is added to `problems`. */
export function resolveServers(
  settings: StackSettings,
  catalog: Catalog,
  secrets: Readonly<Record<string, SecretNames>>,
  problems: Problem[],
): ResolvedServer[] {
  // The engine passes objects with sorted keys, a stack file has any order. The plan must be the same.
  const enabled = Object.entries(settings.servers)
    .filter(([, own]) => own.enabled)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const servers = enabled.flatMap(([key, own]) => {
    const found = serverProblems(key, own, ownValue(secrets, key), settings, catalog);
    problems.push(...found);
    return found.length > 0 ? [] : [resolve(key, own, ownValue(secrets, key), settings)];
  });
  problems.push(
    ...secretsWithoutServer(settings, secrets),
    ...sameNames(servers, settings),
    ...claimsTwice(servers),
    ...nodePortsTwice(settings.servers),
  );
  return servers;
}

/** How long one request to a server may take, in seconds: by default as long as its start. */
export function requestSecondsOf({
  requestSeconds,
  startSeconds,
}: Pick<ServerSettings, "requestSeconds" | "startSeconds">): number {
  return requestSeconds ?? startSeconds;
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
    requestSeconds: requestSecondsOf(own),
    imagePullSecrets: own.imagePullSecrets ?? settings.imagePullSecrets,
    credentialKeys: [...credentialKeys].sort(),
  };
}

/** The variables that an external Secret maps one by one. */
function externalKeys({ secret }: ServerSettings): string[] {
  return typeof secret === "object" && "external" in secret
    ? Object.keys(secret.external.keys ?? {})
    : [];
}
