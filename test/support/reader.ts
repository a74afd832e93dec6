import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

import type { StackConfig } from "@mcp-fleet/operations";
import { parse, stringify } from "yaml";

import { binary } from "../../lab/cluster/binaries";
import { chromaName, labNamespace } from "../../lab/companions";
import { labConfig, labServers } from "../../lab/config";
import { legacyEnvironments } from "../../lab/database/schema";
import { databaseServiceObjects } from "../../lab/database/service";
import { environmentOf } from "../../lab/engine";
import type { Lab } from "../../lab/session";
import { restrictedNamespace } from "./example";
import { removeNamespace } from "./lab";
import { type LegacyDatabase, legacyDatabase } from "./legacy-database";
import { freshCheckout, Reader } from "./walk";

/** What a reader of the pages has besides the checkout: a cluster, an application with its database, and no login. */
export interface Surroundings {
  readonly reader: Reader;
  /** The application's namespace, still without objects of ours. */
  readonly namespace: string;
  readonly database: LegacyDatabase;
  /** DSN of the cutover's role. */
  readonly databaseUrl: string;
  /** DSN of the application for its pods. */
  readonly studioDatabaseUrl: string;
  /** DSN of the administrator. */
  readonly adminUrl: string;
  /** Replaces Studio's images, context and namespace in a stack's file by the lab's. */
  edit(file: string): void;
  /** Changes a stack's file in the checkout, as an editor would. */
  rewrite(file: string, change: (config: Config) => Config): void;
  /** Types commands that must succeed. */
  type(script: string): Promise<void>;
  /** Replacements of the pages' namespace. */
  readonly namespaced: readonly (readonly [from: string, to: string])[];
  /** Removes everything. */
  remove(): Promise<void>;
}

type Config = Record<string, unknown>;

/**
 * @param lab whose cluster, images and database server are used; its own stack does not change
 * @param name of the database, and a part of the namespace's
 */
export async function surroundings(lab: Lab, name: string): Promise<Surroundings> {
  const namespace = `llmctl-${name}`;
  const { superuserUrl, cutoverUrl, port } = lab.database;
  const database = await legacyDatabase(lab.database, name);
  const databaseUrl = database.of(cutoverUrl);
  const home = mkdtempSync(join(tmpdir(), "mcp-fleet-home-"));
  // Left over from an interrupted test.
  await removeNamespace(lab.cluster, namespace);
  await restrictedNamespace(lab.kube, namespace);
  await lab.kube.apply(databaseServiceObjects({ namespace, address: lab.cluster.nodeIp, port }));
  const environment = readersEnvironment(lab, home, new URL(databaseUrl));
  const reader = new Reader(await freshCheckout(), environment);
  const rewrite: Surroundings["rewrite"] = (file, change) => {
    const path = join(reader.directory, file);
    const document = parse(readFileSync(path, "utf8")) as { config?: Config };
    writeFileSync(path, stringify({ ...document, config: change(document.config ?? {}) }));
  };
  const facts = { ...lab.facts, databaseUrl };
  const values = {
    namespace,
    allowed: { contexts: [facts.context], namespaces: [namespace] },
    servers: { ...labServers(facts.images), chroma: chroma(facts.images.chroma ?? "") },
  };
  return {
    ...{ reader, namespace, database },
    databaseUrl,
    studioDatabaseUrl: database.of(lab.facts.studioDatabaseUrl),
    adminUrl: database.of(superuserUrl),
    edit: (file) =>
      rewrite(file, (config) => ({ ...config, ...plainOf(labConfig(facts, "embedded", values)) })),
    rewrite,
    async type(script) {
      const { exitCode, output } = await reader.type(script);
      assert.equal(exitCode, 0, `${script}\n${output}`);
    },
    namespaced: [
      ["llmctl.svc", `${namespace}.svc`],
      ["-n llmctl ", `-n ${namespace} `],
    ],
    async remove() {
      reader.close();
      rmSync(home, { recursive: true, force: true });
      await lab.kube.core.deleteNamespace({ name: namespace }).catch(() => undefined);
      await database.remove();
    },
  };
}

/** In its own namespace the application would have a Chroma; here it uses the lab's. */
function chroma(image: string): object {
  return {
    image,
    env: { CHROMA_HOST: `${chromaName}.${labNamespace}` },
    egress: { profile: "cluster", pods: [{ namespace: labNamespace }] },
  };
}

/** Values that the page's own commands set are not written here. */
function plainOf(config: StackConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, { secret }]) => !secret)
      .map(([key, { value }]) => [key, value]),
  );
}

/** The environment of a new user's shell: programs, its own Pulumi home and backend, and answers to prompts. */
function readersEnvironment(
  { engine, cluster }: Lab,
  home: string,
  database: URL,
): Record<string, string> {
  const [installed, linked] = [join(home, "npm"), join(home, "programs")];
  for (const directory of [installed, linked]) mkdirSync(directory);
  const programs: Record<string, string> = {
    ...(cluster.engine === "bare" ? { kubectl: binary("kubectl") } : {}),
    ...(isAbsolute(engine.command) ? { pulumi: engine.command } : {}),
  };
  for (const [name, target] of Object.entries(programs)) symlinkSync(target, join(linked, name));
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
    // What this machine needs to reach a registry, and npm's cache.
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
    // A reader answers yes.
    PULUMI_SKIP_CONFIRMATIONS: "true",
    EDITOR: "true",
    PATH: [join(installed, "bin"), linked, pulumi.PATH].join(delimiter),
  };
}

function npmSetting(name: string): string {
  return execFileSync("npm", ["config", "get", name], { encoding: "utf8" }).trim();
}

/** The commands that set the servers' secrets, except one that a page sets itself. */
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
