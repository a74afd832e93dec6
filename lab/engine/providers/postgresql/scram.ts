import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** PostgreSQL's default. */
const iterations = 4096;
const saltBytes = 16;
const keyBytes = 32;

/**
 * The verifier that PostgreSQL stores for a password (SCRAM-SHA-256, RFC 5803). It is computed here, so that no
 * statement contains the password and no server logs it.
 */
export function scramVerifier(password: string): string {
  const salt = randomBytes(saltBytes);
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, keyBytes, "sha256");
  const keyFor = (what: string): Buffer => createHmac("sha256", salted).update(what).digest();
  const stored = createHash("sha256").update(keyFor("Client Key")).digest("base64");
  const server = keyFor("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}
