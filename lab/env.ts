import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

import type { StackPlace } from "@mcp-fleet/engine";
import { quoted, UserError } from "@mcp-fleet/errors";

import { clusterStatus } from "./cluster";
import { findDatabase } from "./database";
import { findEngine, passphraseFile, placeFile } from "./engine";
import { consoleLog } from "./log";
import { paths } from "./paths";

/** Programs of this checkout and of the lab, for a person's PATH. */
const programs = join(paths.installation, "programs");
const passwordFile = join(paths.installation, "pgpass");

/**
 * Prints shell commands after which `pulumi`, `kubectl`, `psql` and `mcp-fleet` speak to the lab:
 * `eval "$(make env)"`. Passwords stay in files that only this user may read.
 *
 * @throws UserError when the lab does not run
 */
export async function env(): Promise<void> {
  const [cluster, database] = await Promise.all([clusterStatus(), findDatabase()]);
  if (!cluster.running || database === undefined || !existsSync(placeFile)) {
    throw new UserError(
      "The lab is not running.",
      'Start it with `make up`, then `eval "$(make env)"`.',
    );
  }
  const {
    command = "pulumi",
    stack = "",
    env: engine = {},
  } = JSON.parse(readFileSync(placeFile, "utf8")) as StackPlace;
  // The launchers refer to a checkout that may no longer exist.
  await findEngine(consoleLog());
  linkPrograms();
  const { PULUMI_HOME = "", PULUMI_BACKEND_URL = "", PULUMI_SKIP_UPDATE_CHECK = "" } = engine;
  const path = [
    ...(isAbsolute(command) ? [dirname(command)] : []),
    programs,
    paths.bin,
    dirname(process.execPath),
  ];
  const variables: Record<string, string> = {
    ...{ PULUMI_HOME, PULUMI_BACKEND_URL, PULUMI_SKIP_UPDATE_CHECK },
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
    PULUMI_STACK: stack,
    KUBECONFIG: cluster.kubeconfig ?? "",
    ...postgres(database.url),
  };
  const lines = [
    "unset PULUMI_CONFIG_PASSPHRASE",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `export PATH=${quoted(path.join(":"))}:"$PATH"`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The application's own role, which owns the tables. */
function postgres(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const [user = "", secret = "", database = ""] = [username, password, pathname.slice(1)].map(
    decodeURIComponent,
  );
  const fields = [hostname, port, database, user, secret];
  const line = fields.map((field) => field.replace(/[\\:]/g, "\\$&")).join(":");
  writeFileSync(passwordFile, `${line}\n`, { mode: 0o600 });
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGDATABASE: database,
    PGUSER: user,
    PGPASSFILE: passwordFile,
  };
}

function linkPrograms(): void {
  mkdirSync(programs, { recursive: true });
  const link = join(programs, "mcp-fleet");
  rmSync(link, { force: true });
  symlinkSync(join(paths.projectDir, "bin", "mcp-fleet.cjs"), link);
}
