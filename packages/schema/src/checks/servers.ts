import { nearest } from "@mcp-fleet/errors";

import type { Catalog } from "../catalog";
import { ownValue } from "../own";
import { secretCommand } from "../paths";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import { serverNameOf } from "../server-name";
import type { StackSettings } from "../stack";
import { claimProblems } from "./claims";
import { envProblems } from "./env";
import { gateProblems } from "./gate";
import { headerProblems } from "./headers";
import { floatingImage } from "./image";
import { operationsProblems } from "./operations";
import { podProblems } from "./pod";
import type { SecretNames } from "./secret-names";
import { sourceProblems, stdioWordProblems } from "./source";
import { textCredentialProblems } from "./text-credentials";
import { tlsProblems } from "./tls";

/**
 * Problems of one server that the schema cannot find.
 * @param own its settings, completed from the catalog
 */
export function serverProblems(
  key: string,
  own: ServerSettings,
  secrets: SecretNames | undefined,
  settings: StackSettings,
  catalog: Catalog,
): Problem[] {
  const entry = ownValue(catalog, key);
  const at = `servers.${key}`;
  const problems: Problem[] = [];
  const add = (path: string, problem: string, fix: string): void =>
    void problems.push({ path, problem, fix });

  const { image } = own;
  const near = entry === undefined ? nearest(key, Object.keys(catalog)) : undefined;
  const hint = near === undefined ? "" : `; if you meant the catalog's "${near}", rename the key`;
  if (image === undefined) {
    add(`${at}.image`, "is missing.", `Set it to a pinned image reference${hint}.`);
  } else {
    problems.push(...floatingImage(`${at}.image`, image, settings));
  }
  if (own.port === undefined) {
    add(`${at}.port`, "is missing.", `Set it to the port the server listens on${hint}.`);
  }
  const ofKeys = [
    ...[...sourceProblems(own), ...stdioWordProblems(own)],
    ...claimProblems(own, serverNameOf(key, own)),
  ];
  problems.push(...ofKeys.map((one) => ({ ...one, path: `${at}.${one.path}` })));
  problems.push(
    ...envProblems(at, own.env, {
      secretKeys: secrets?.keys ?? [],
      unknownSecret: own.secret !== undefined,
    }),
  );
  problems.push(...headerProblems(key, own, secrets), ...tlsProblems(key, own));
  problems.push(...textCredentialProblems(key, own), ...gateProblems(key, own, settings));
  const closed = settings.network.isolate !== "none";
  problems.push(...operationsProblems(key, own, closed), ...podProblems(key, own, settings));
  if (own.session === "stateful" && (own.replicas ?? 1) > 1) {
    add(
      `${at}.replicas`,
      "is above 1 for a server that keeps sessions in its process.",
      'Set it to 1, or set session to "stateless" if the server keeps none.',
    );
  }
  if (own.secret !== undefined && secrets !== undefined) {
    add(
      `${at}.secret`,
      `and serverSecrets.${key} are both set.`,
      "Keep one of them: an existing Secret, or values from the stack.",
    );
  }
  if (own.secretVersion !== undefined && own.secret === undefined) {
    add(
      `${at}.secretVersion`,
      "has no effect on values from the stack: pods roll by themselves when one changes.",
      "Remove it, or name a Secret with secret.",
    );
  }
  for (const [file, name] of Object.entries(own.files)) {
    if (typeof name === "object" || own.secret !== undefined || secrets?.keys.includes(name))
      continue;
    add(
      `${at}.files.${file}`,
      `names "${name}", which is no key of serverSecrets.${key}.`,
      `Set it with: ${secretCommand(["serverSecrets", key, name])}`,
    );
  }
  const sets = entry?.credentialSets ?? [];
  const has = new Set([...(secrets?.keys ?? []), ...Object.keys(own.env)]);
  if (
    own.secret === undefined &&
    sets.length > 0 &&
    own.auth === "none" &&
    !sets.some((set) => set.every((name) => has.has(name)))
  ) {
    add(
      `serverSecrets.${key}`,
      `lacks ${sets.map((set) => set.join(" + ")).join(", or ")}.`,
      `Set them with: ${(sets[0] ?? []).map((name) => secretCommand(["serverSecrets", key, name])).join(" && ")}`,
    );
  }
  return problems;
}

/** Secrets for a server that the stack does not have. */
export function secretsWithoutServer(
  settings: StackSettings,
  secrets: Readonly<Record<string, SecretNames>>,
): Problem[] {
  const known = Object.keys(settings.servers);
  return Object.keys(secrets)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = nearest(key, known);
      return {
        path: `serverSecrets.${key}`,
        problem: "belongs to no server of this stack.",
        fix:
          near === undefined
            ? `Add servers.${key}, or remove it with: pulumi config rm --path serverSecrets.${key}`
            : `Did you mean "serverSecrets.${near}"?`,
      };
    });
}

/** Names of the other objects of a stack, and what each belongs to. */
function ownNames({ application, studio, manager, observability }: StackSettings) {
  const made: [boolean, string, string][] = [
    [studio.enabled, studio.name, "the application (studio.name)"],
    [manager.enabled, `${application}-manager`, "the manager's pod"],
    [observability.exporter !== undefined, `${application}-exporter`, "the exporter's pod"],
    [
      observability.exporter !== undefined,
      `${application}-isolation-check`,
      "the isolation check's CronJob",
    ],
    [observability.observer !== undefined, `${application}-observer`, "the observer's pod"],
  ];
  return new Map(made.flatMap(([is, name, owner]) => (is ? [[name, owner] as const] : [])));
}

/**
 * Names that two servers share. Two servers cannot have one Service, and a name must not be another server's
 * key: a command could not tell which one is meant.
 */
export function sameNames(
  servers: readonly { readonly key: string; readonly name: string }[],
  settings: StackSettings,
): Problem[] {
  const seen = new Map<string, string>();
  const others = ownNames(settings);
  return servers.flatMap((server) => {
    const owner = others.get(server.name);
    if (owner !== undefined) {
      return [
        {
          path: `servers.${server.key}.name`,
          problem: `"${server.name}" is the name of ${owner}.`,
          fix: "Give the server another name.",
        },
      ];
    }
    const other = seen.get(server.name);
    seen.set(server.name, server.key);
    if (servers.some(({ key }) => key === server.name && key !== server.key)) {
      return [
        {
          path: `servers.${server.key}.name`,
          problem: `"${server.name}" is the key of another server.`,
          fix: "Give it another name: commands take a server by its key and by its Service's name.",
        },
      ];
    }
    if (other === undefined) return [];
    return [
      {
        path: `servers.${server.key}.name`,
        problem: `"${server.name}" is the Service name of servers.${other} too.`,
        fix: "Give one of them another name.",
      },
    ];
  });
}
