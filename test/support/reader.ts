import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";

import type { StackConfig } from "@mcp-fleet/operations";
import { parse, stringify } from "yaml";

import { binary } from "../../lab/cluster/binaries";
import { labConfig, labServers } from "../../lab/config";
import { applicationRole, cutoverRole, grantCutover, withClient } from "../../lab/database/access";
import { legacyEnvironments, legacySql } from "../../lab/database/schema";
import { databaseServiceObjects } from "../../lab/database/service";
import { environmentOf } from "../../lab/engine";
import type { Lab } from "../../lab/session";
import { restrictedNamespace } from "./example";
import { freshCheckout, pathWith, Reader } from "./walk";

/** What a reader of the pages has beside the checkout: a cluster, an application with its database, and a login nowhere. */
export interface Surroundings {
  readonly reader: Reader;
  /** The application's namespace, in which nothing of ours is yet. */
  readonly namespace: string;
  /** DSN of the cutover's role. */
  readonly databaseUrl: string;
  /** DSN of the application, as its pods reach it. */
  readonly studioDatabaseUrl: string;
  /** DSN of the administrator. */
  readonly adminUrl: string;
  /** Writes what the lab has in the place of Studio's images, context and namespace into a stack's file. */
  edit(file: string): void;
  /** Changes a stack's file in the checkout, as an editor would. */
  rewrite(file: string, change: (config: Config) => Config): void;
}

const database = "walk";

type Config = Record<string, unknown>;

/** @param lab whose cluster, images and database server are used; its own stack stays as it is */
export async function surroundings(lab: Lab): Promise<Surroundings> {
  const namespace = "llmctl-walk";
  const at = (dsn: string): string => {
    const url = new URL(dsn);
    url.pathname = `/${database}`;
    return url.href;
  };
  const { superuserUrl, url, cutoverUrl, port } = lab.database;
  await withClient(superuserUrl, async (db) => {
    await db.query(`drop database if exists ${database} with (force)`);
    await db.query(`create database ${database} owner ${applicationRole}`);
    await db.query(`grant connect, create on database ${database} to ${cutoverRole}`);
  });
  await withClient(at(url), (db) => db.query(legacySql({ generation: "jsonb" })));
  await grantCutover(at(superuserUrl));
  await restrictedNamespace(lab.kube, namespace);
  await lab.kube.apply(databaseServiceObjects({ namespace, address: lab.cluster.nodeIp, port }));
  const reader = new Reader(
    await freshCheckout(),
    readersEnvironment(lab, new URL(at(cutoverUrl))),
  );
  const rewrite: Surroundings["rewrite"] = (file, change) => {
    const path = join(reader.directory, file);
    const document = parse(readFileSync(path, "utf8")) as { config?: Config };
    writeFileSync(path, stringify({ ...document, config: change(document.config ?? {}) }));
  };
  const facts = { ...lab.facts, databaseUrl: at(cutoverUrl) };
  const values = {
    namespace,
    allowed: { contexts: [facts.context], namespaces: [namespace] },
    servers: { ...labServers(facts.images), chroma: chroma(facts.images.chroma ?? "") },
  };
  return {
    ...{ reader, namespace },
    databaseUrl: at(cutoverUrl),
    studioDatabaseUrl: at(lab.facts.studioDatabaseUrl),
    adminUrl: at(superuserUrl),
    edit: (file) =>
      rewrite(file, (config) => ({ ...config, ...plainOf(labConfig(facts, "embedded", values)) })),
    rewrite,
  };
}

/** In its own namespace the application's Chroma would be beside it; here the lab's is asked. */
function chroma(image: string): object {
  return { image, env: { CHROMA_HOST: "llmctl-chromadb.llmctl" } };
}

/** What the page's own commands set is not written here. */
function plainOf(config: StackConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, { secret }]) => !secret)
      .map(([key, { value }]) => [key, value]),
  );
}

/** A shell of nobody: programs, a Pulumi home and a backend of its own, and what a terminal would answer. */
function readersEnvironment({ engine, cluster }: Lab, database: URL): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), "mcp-fleet-home-"));
  const installed = join(home, "npm");
  mkdirSync(installed);
  const programs: Record<string, string> = {
    ...(cluster.engine === "bare" ? { kubectl: binary("kubectl") } : {}),
    ...(isAbsolute(engine.command) ? { pulumi: engine.command } : {}),
  };
  const pulumi = environmentOf(engine, {
    home: join(home, "pulumi"),
    backend: join(home, "backend"),
    passphrase: "reader",
  });
  return {
    ...pulumi,
    HOME: home,
    NO_COLOR: "1",
    KUBECONFIG: cluster.kubeconfig,
    NPM_CONFIG_PREFIX: installed,
    // What this machine needs to reach a registry, and what npm has fetched already.
    NPM_CONFIG_USERCONFIG: npmSetting("userconfig"),
    NPM_CONFIG_GLOBALCONFIG: npmSetting("globalconfig"),
    NPM_CONFIG_CACHE: npmSetting("cache"),
    ...Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) =>
        /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no)_proxy)$/i.test(name)
          ? [[name, value ?? ""]]
          : [],
      ),
    ),
    PGHOST: database.hostname,
    PGPORT: database.port,
    PGUSER: database.username,
    PGPASSWORD: database.password,
    PGDATABASE: database.pathname.slice(1),
    // A reader types yes.
    PULUMI_SKIP_CONFIRMATIONS: "true",
    EDITOR: "true",
    PATH: [join(installed, "bin"), pathWith(programs), pulumi.PATH].join(":"),
  };
}

function npmSetting(name: string): string {
  return execFileSync("npm", ["config", "get", name], { encoding: "utf8" }).trim();
}

/** The commands that set what the servers' Secrets hold, but for one that a page sets itself. */
export function secretCommands(but?: string): string {
  const { "llmctl-mcp": _none, ...servers } = legacyEnvironments();
  return Object.entries(servers)
    .flatMap(([server, values]) => Object.entries(values).map((one) => [server, ...one] as const))
    .filter(([, name]) => name !== but)
    .map(
      ([server, name, value]) =>
        `pulumi config set --secret --path serverSecrets.${server}.${name} '${value}'`,
    )
    .join("\n");
}
