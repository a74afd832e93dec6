import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type CutoverInputs, readLedgerStep } from "@mcp-fleet/cutover-runner";

import { serverUser } from "../../lab/database/identity";
import { stopTestServer } from "../support/postgres";
import { studioDatabase, studioSpec } from "./row-cutover/support";

/** A CA, and its server certificate for 127.0.0.1 only, created by the openssl command. */
function certificates(dir: string): { ca: string; cert: string; key: string } {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): unknown =>
    execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-subj",
    "/CN=test CA",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
  );
  openssl("req", ...newKey, "-subj", "/CN=database", "-keyout", "server.key", "-out", "server.csr");
  writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1\n");
  openssl(
    ...[
      "x509",
      "-req",
      "-in",
      "server.csr",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
    ],
    ...["-extfile", "names", "-out", "server.pem", "-days", "2"],
  );
  return { ca: at("ca.pem"), cert: at("server.pem"), key: at("server.key") };
}

describe("TLS to the database", function () {
  let dir = "";
  let ca = "";
  let database: Awaited<ReturnType<typeof studioDatabase>>;

  before(async function () {
    if (process.env.MCP_FLEET_TEST_DATABASE_URL !== undefined) {
      process.stdout.write(
        "not run: the server of MCP_FLEET_TEST_DATABASE_URL is not reconfigured\n",
      );
      return this.skip();
    }
    try {
      execFileSync("openssl", ["version"], { stdio: "ignore" });
    } catch {
      process.stdout.write("not run: there is no openssl to make certificates with\n");
      return this.skip();
    }
    database = await studioDatabase({ schema: "jsonb" });
    dir = mkdtempSync(join(tmpdir(), "mcp-fleet-tls-"));
    const files = certificates(dir);
    ca = files.ca;
    const { uid, gid } = serverUser();
    chmodSync(dir, 0o755);
    if (uid !== undefined) chownSync(files.key, uid, gid ?? uid);
    chmodSync(files.key, 0o600);
    chmodSync(files.cert, 0o644);
    await database.query(`alter system set ssl_cert_file = '${files.cert}'`);
    await database.query(`alter system set ssl_key_file = '${files.key}'`);
  });

  after(async () => {
    await (database as { drop(): Promise<void> } | undefined)?.drop();
    if (dir !== "") await stopTestServer();
    rmSync(dir, { recursive: true, force: true });
  });

  const turn = async (on: boolean): Promise<void> => {
    await database.query(`alter system set ssl = ${on ? "on" : "off"}`);
    await database.query("select pg_reload_conf()");
    for (;;) {
      const found = await database.query<{ ssl: string }>("show ssl");
      if (found[0]?.ssl === (on ? "on" : "off")) return;
    }
  };
  /** Reads the ledger, which does not exist: an answer means that the connection was accepted. */
  const read = (
    parameters: Record<string, string>,
    tls?: NonNullable<CutoverInputs["database"]["tls"]>,
    host = "127.0.0.1",
  ): Promise<unknown> => {
    const url = new URL(database.db.connectionString);
    url.hostname = host;
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return readLedgerStep(
      {
        spec: studioSpec(),
        database: { connect: "direct", ...(tls === undefined ? {} : { tls }) },
        kubernetes: {},
      },
      { databaseUrl: url.href },
    );
  };

  it("is demanded and verified unless it is turned off, whatever the DSN says", async () => {
    await turn(false);
    await assert.rejects(read({}), /TLS|SSL/);
    assert.equal(await read({}, "disable"), undefined);

    await turn(true);
    await assert.rejects(read({}), /\(.*(SELF_SIGNED|UNABLE_TO).*\)/);
    await assert.rejects(read({ sslmode: "no-verify" }), /\(.*(SELF_SIGNED|UNABLE_TO).*\)/);
    assert.equal(await read({ sslrootcert: ca }), undefined);
  });

  it("verifies the name too, but for verify-ca", async () => {
    await turn(true);
    await assert.rejects(
      read({ sslrootcert: ca }, undefined, "localhost"),
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    );
    assert.equal(await read({ sslrootcert: ca }, "verify-ca", "localhost"), undefined);
    await assert.rejects(read({}, "verify-ca"), /SELF_SIGNED|UNABLE_TO/);
  });
});
