import assert from "node:assert/strict";

import { clearer, databaseOf } from "@mcp-fleet/cutover-runner/dist/database";
import { UserError } from "@mcp-fleet/errors";
import { CommitUnknown } from "@mcp-fleet/row-cutover/dist/postgres/errors";
import { toUserError } from "@mcp-fleet/row-cutover/dist/postgres/user-error";

const dsn = "postgresql://app:p%40ss@db.example:6432/app?sslmode=no-verify&application_name=x";

/** The driver's options; `ssl` is an object unless TLS is off. */
function tlsOf(...args: Parameters<typeof databaseOf>): Record<string, unknown> {
  const { ssl } = databaseOf(...args);
  assert.ok(typeof ssl === "object");
  return ssl as Record<string, unknown>;
}

describe("cutover-runner: the database connection", () => {
  it("verifies certificates whatever sslmode says", () => {
    const db = databaseOf(dsn, "verify-full");
    assert.equal(
      db.connectionString,
      "postgresql://app:p%40ss@db.example:6432/app?application_name=x",
    );
    const ssl = tlsOf(dsn, "verify-full");
    assert.equal(ssl.rejectUnauthorized, true);
    assert.equal(ssl.checkServerIdentity, undefined);
    assert.equal(typeof tlsOf(dsn, "verify-ca").checkServerIdentity, "function");
  });

  it("checks the certificate for the database's own name behind a forwarded port", () => {
    assert.equal(tlsOf(dsn, "verify-full", "db.example").servername, "db.example");
  });

  it("takes the tunnel's word for a cut connection, and for nothing else", async () => {
    const tunnel = new UserError("The port-forward failed.", "Look at it.");
    const cut = toUserError(new Error("Connection terminated unexpectedly"), "moving the rows");
    assert.equal(await clearer(cut, tunnel), tunnel);
    assert.equal(await clearer(cut, undefined), cut);
    const conflict = new UserError("The row was changed.", "Choose.");
    for (const other of [toUserError(new CommitUnknown("x"), "moving the rows"), conflict])
      assert.equal(await clearer(other, tunnel), other);
  });

  it("turns TLS off only when told to", () => {
    assert.equal(databaseOf(dsn, "disable").ssl, false);
  });

  it("refuses what is no DSN without quoting it", () => {
    for (const wrong of ["s3cret", "mysql://u:s3cret@h/db", ""]) {
      assert.throws(
        () => databaseOf(wrong, "disable"),
        (error: Error) =>
          /^databaseUrl is not a PostgreSQL DSN\./.test(error.message) &&
          !error.message.includes("s3cret"),
      );
    }
    assert.throws(
      () => databaseOf(`${dsn}&sslrootcert=/no/such.pem`, "verify-full"),
      /sslrootcert in databaseUrl names cannot be read/,
    );
  });
});
