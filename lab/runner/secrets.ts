import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";

import { UserError } from "@mcp-fleet/errors";

import { isObject, isSecret, type Json, secret, transform } from "./wire";

const cipherKey = "encrypted";
const checkText = "mcp-fleet";
/** Shorter values are too common (`"true"`, `"5432"`) to be looked for in other text. */
const shortestLookedFor = 6;

/** What the state file says about its encryption. None of it is secret. */
export interface VaultHeader {
  readonly salt: string;
  /** A known text, encrypted: tells a wrong passphrase from a damaged file. */
  readonly check: string;
}

/** Encrypts secret values (AES-256-GCM, key by scrypt from the passphrase) and keeps them out of any text. */
export class Vault {
  readonly header: VaultHeader;
  private readonly key: Buffer;
  private readonly known = new Set<string>();

  /** @throws UserError when `header` was made with another passphrase. */
  constructor(passphrase: string, header?: VaultHeader) {
    const salt = header === undefined ? randomBytes(16) : Buffer.from(header.salt, "base64");
    this.key = scryptSync(passphrase, salt, 32);
    if (header === undefined) {
      this.header = { salt: salt.toString("base64"), check: this.encrypt(checkText) };
      return;
    }
    this.header = header;
    if (this.decrypt(header.check) !== checkText) throw wrongPassphrase();
  }

  encrypt(text: string): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.key, iv);
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64");
  }

  decrypt(text: string): string {
    const data = Buffer.from(text, "base64");
    const decipher = createDecipheriv("aes-256-gcm", this.key, data.subarray(0, 12));
    decipher.setAuthTag(data.subarray(12, 28));
    try {
      return decipher.update(data.subarray(28)).toString("utf8") + decipher.final("utf8");
    } catch {
      throw wrongPassphrase();
    }
  }

  /**
   * The value as it may be written to a file: every secret, and every text that contains one that was learnt,
   * as ciphertext.
   */
  seal(value: Json): Json {
    return transform(value, (node) => {
      const hide = isSecret(node) || (typeof node === "string" && this.redact(node) !== node);
      if (!hide) return node;
      // A text inside a wrapper has been sealed already: undo that before sealing the whole.
      const inner = isSecret(node) ? this.open(node.value ?? null, false) : node;
      return { [cipherKey]: this.encrypt(JSON.stringify(inner)) };
    });
  }

  /** The reverse of {@link seal}; what was sealed comes back wrapped as a secret. */
  open(value: Json, wrap = true): Json {
    return transform(value, (node) => {
      const text = isObject(node) ? node[cipherKey] : undefined;
      if (typeof text !== "string" || !isObject(node) || Object.keys(node).length !== 1) {
        return node;
      }
      const clear = JSON.parse(this.decrypt(text)) as Json;
      return wrap ? secret(clear) : clear;
    });
  }

  /** From now on this text, and its base64 form, is kept out of what {@link redact} returns. */
  learn(text: string): void {
    if (text.length < shortestLookedFor) return;
    this.known.add(text);
    this.known.add(Buffer.from(text).toString("base64"));
  }

  redact(text: string): string {
    let clean = text;
    for (const word of this.known) {
      if (clean.includes(word)) clean = clean.split(word).join("[secret]");
    }
    return clean;
  }
}

function wrongPassphrase(): UserError {
  return new UserError(
    "The state file cannot be decrypted: it was written with another passphrase.",
    "Give the passphrase the state was made with, or start again with a new state file.",
  );
}
