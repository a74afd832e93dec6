import type { Health, SecretSource, ServerSource } from "../components/server";
import { defaultHealth } from "../components/server";
import type { CatalogEntry, CatalogRow } from "./catalog";
import { nearest, type Problem, type ServerSettings, type StackSettings } from "./schema";
import type { SecretBundle, SecretValues } from "./secrets";

/** A server with its catalog entry and the stack's settings put together; nothing in it is left to decide. */
export interface ResolvedServer {
  readonly key: string;
  readonly serviceName: string;
  readonly source: ServerSource;
  readonly port: number;
  readonly path: string;
  readonly health: Health;
  readonly startSeconds: number;
  readonly env: Readonly<Record<string, string>>;
  readonly secret?: SecretSource;
  /** Every credential the server is configured with, by name. */
  readonly credentialKeys: readonly string[];
  readonly replicas: number;
  readonly resources: CatalogEntry["resources"];
  readonly writable: readonly string[];
  readonly egress: CatalogEntry["egress"];
  readonly imagePullSecrets: readonly string[];
  readonly auth: "none" | "per-request";
  readonly headers: Readonly<Record<string, string>>;
  readonly requiredTools: readonly string[];
  readonly minTools: number;
  /** The row that is pointed at the server. Absent: it has none. */
  readonly row?: CatalogRow & {
    readonly key: string;
    readonly keep?: "all" | readonly string[];
    readonly set?: Readonly<Record<string, string | null>>;
  };
}

/** What a server that is in no catalog starts from. */
const ownServer: Omit<CatalogEntry, "serviceName" | "port" | "source"> = {
  path: "/mcp",
  health: { kind: "tcp" },
  env: {},
  secretKeys: [],
  credentialSets: [],
  writable: [],
  session: "stateless",
  egress: "dns",
  requiredTools: [],
  minTools: 1,
  startSeconds: 60,
  resources: {
    requests: { cpu: "50m", memory: "128Mi" },
    limits: { cpu: "1", memory: "512Mi" },
  },
  row: { aliases: [] },
};

/** Puts settings and catalog together; everything wrong is added to `problems`. */
export function resolveServers(
  settings: StackSettings,
  catalog: Readonly<Record<string, CatalogEntry>>,
  secrets: SecretValues,
  problems: Problem[],
): ResolvedServer[] {
  const enabled = Object.entries(settings.servers).filter(([, own]) => own.enabled !== false);
  const servers = enabled.flatMap(([key, own]) => {
    const entry = catalog[key];
    const found = serverProblems(key, own, entry, secrets.servers[key], settings, catalog);
    problems.push(...found);
    return found.length > 0 ? [] : [resolve(key, own, entry, secrets.servers[key], settings)];
  });
  problems.push(...secretsOfNobody(settings, secrets), ...sameNames(servers));
  return servers;
}

function resolve(
  key: string,
  own: ServerSettings,
  entry: CatalogEntry | undefined,
  secrets: SecretBundle | undefined,
  settings: StackSettings,
): ResolvedServer {
  const base = entry ?? ownServer;
  const source = sourceOf(own, entry);
  const env = { ...base.env, ...own.env };
  const secret = secretOf(own, secrets);
  const row = rowOf(key, own, base);
  return {
    key,
    serviceName: own.name ?? entry?.serviceName ?? `${key}-mcp`,
    source,
    port: own.port ?? entry?.port ?? 0,
    path: own.path ?? base.path,
    health: healthOf(own, entry, source.kind),
    startSeconds: own.startSeconds ?? base.startSeconds,
    env,
    ...(secret === undefined ? {} : { secret }),
    credentialKeys: [
      ...new Set([...Object.keys(env), ...(secrets?.keys ?? []), ...(own.secretKeys ?? [])]),
    ].sort(),
    replicas: own.replicas ?? 1,
    resources: own.resources ?? base.resources,
    writable: own.writable ?? base.writable,
    egress: own.egress ?? base.egress,
    imagePullSecrets: own.imagePullSecrets ?? settings.imagePullSecrets,
    auth: own.auth ?? "none",
    headers: own.headers ?? {},
    requiredTools: own.requiredTools ?? base.requiredTools,
    minTools: own.minTools ?? base.minTools,
    ...(row === undefined ? {} : { row }),
  };
}

function sourceOf(own: ServerSettings, entry: CatalogEntry | undefined): ServerSource {
  const image = own.image ?? entry?.image ?? "";
  if ((own.source ?? entry?.source ?? "image") === "bridge") {
    return { kind: "bridge", image, stdio: own.stdio ?? entry?.stdio ?? "" };
  }
  const command = own.command ?? entry?.command;
  const args = own.args ?? entry?.args;
  return {
    kind: "image",
    image,
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
  };
}

function healthOf(
  own: ServerSettings,
  entry: CatalogEntry | undefined,
  source: ServerSource["kind"],
): Health {
  if (own.health === "tcp") return { kind: "tcp" };
  if (own.health !== undefined) return { kind: "http", path: own.health };
  return entry?.health ?? defaultHealth(source);
}

function secretOf(
  own: ServerSettings,
  secrets: SecretBundle | undefined,
): SecretSource | undefined {
  if (own.secret !== undefined) return { kind: "existing", name: own.secret };
  return secrets === undefined ? undefined : { kind: "values", values: secrets.values };
}

function rowOf(
  key: string,
  own: ServerSettings,
  base: Pick<CatalogEntry, "row">,
): ResolvedServer["row"] {
  if (own.row === false) return undefined;
  const seed = own.row?.seed ?? base.row.seed;
  return {
    key: own.row?.key ?? key,
    aliases: own.row?.aliases ?? base.row.aliases,
    ...(seed === undefined ? {} : { seed }),
    ...(own.row?.keep === undefined ? {} : { keep: own.row.keep }),
    ...(own.row?.set === undefined ? {} : { set: own.row.set }),
  };
}

function serverProblems(
  key: string,
  own: ServerSettings,
  entry: CatalogEntry | undefined,
  secrets: SecretBundle | undefined,
  settings: StackSettings,
  catalog: Readonly<Record<string, CatalogEntry>>,
): Problem[] {
  const at = `servers.${key}`;
  const problems: Problem[] = [];
  const add = (path: string, problem: string, fix: string): void =>
    void problems.push({ path, problem, fix });

  const image = own.image ?? entry?.image;
  if (image === undefined) {
    const near = entry === undefined ? nearest(key, Object.keys(catalog)) : undefined;
    const hint = near === undefined ? "" : `; if you meant the catalog's "${near}", rename the key`;
    add(`${at}.image`, "is missing.", `Set it to a pinned image reference${hint}.`);
  } else if (!settings.allowLatest && isFloating(image)) {
    add(
      `${at}.image`,
      `"${image}" names no fixed version.`,
      "Pin it by tag or digest, or set allowLatest to true in a stack that is not production.",
    );
  }
  if (own.port === undefined && entry === undefined) {
    add(`${at}.port`, "is missing.", "Set it to the port the server listens on.");
  }
  const source = own.source ?? entry?.source ?? "image";
  if (source === "bridge" && (own.stdio ?? entry?.stdio) === undefined) {
    add(`${at}.stdio`, "is missing.", "Set it to the stdio server's command line.");
  }
  const session = own.session ?? entry?.session ?? ownServer.session;
  if (session === "stateful" && (own.replicas ?? 1) > 1) {
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
  const sets = entry?.credentialSets ?? [];
  const has = new Set([...(secrets?.keys ?? []), ...Object.keys(own.env ?? {})]);
  if (
    own.secret === undefined &&
    sets.length > 0 &&
    (own.auth ?? "none") === "none" &&
    !sets.some((set) => set.every((name) => has.has(name)))
  ) {
    add(
      `serverSecrets.${key}`,
      `lacks ${sets.map((set) => set.join(" + ")).join(", or ")}.`,
      `Set each with: pulumi config set --secret --path serverSecrets.${key}.<KEY> <value>`,
    );
  }
  return problems;
}

/** Whether the reference can mean another image tomorrow. */
function isFloating(image: string): boolean {
  if (image.includes("@sha256:")) return false;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest";
}

function secretsOfNobody(settings: StackSettings, secrets: SecretValues): Problem[] {
  const known = Object.keys(settings.servers);
  return Object.keys(secrets.servers)
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

function sameNames(servers: readonly ResolvedServer[]): Problem[] {
  const seen = new Map<string, string>();
  return servers.flatMap((server) => {
    const other = seen.get(server.serviceName);
    seen.set(server.serviceName, server.key);
    if (other === undefined) return [];
    return [
      {
        path: `servers.${server.key}.name`,
        problem: `"${server.serviceName}" is the Service name of servers.${other} too.`,
        fix: "Give one of them another name.",
      },
    ];
  });
}
