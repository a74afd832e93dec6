import { randomBytes, randomInt } from "node:crypto";

import type { Context, Handler, Outcome, Registration } from "./handler";
import type { StoredResource } from "./state";
import { type Json, type JsonObject, reveal, revealObject, sameValue, secret } from "./wire";

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const numeric = "0123456789";
const special = "!@#$%&*()-_=+[]{}<>:?";

const types = ["randomPassword:RandomPassword", "randomString:RandomString", "randomId:RandomId"];

/**
 * `random:*`: made once, kept in the state, made again when any input changes (`keepers` among them).
 * `bcryptHash` of a RandomPassword is not computed.
 */
export class RandomHandler implements Handler {
  constructor(private readonly context: Context) {}

  handles(type: string): boolean {
    return types.some((known) => type === `random:index/${known}`);
  }

  apply(resource: Registration, old: StoredResource | undefined): Promise<Outcome> {
    if (old !== undefined && sameValue(old.inputs, resource.inputs)) {
      return Promise.resolve({ op: "same", id: old.id, outputs: old.outputs });
    }
    const op = old === undefined ? "create" : "update";
    if (this.context.preview) return Promise.resolve({ op, outputs: { ...resource.inputs } });
    const inputs = revealObject(resource.inputs);
    const made = resource.type.endsWith(":RandomId") ? randomId(inputs) : undefined;
    if (made !== undefined) {
      return Promise.resolve({ op, id: made.b64Url, outputs: { ...inputs, ...made } });
    }
    const text = randomText(inputs);
    const isPassword = resource.type.endsWith(":RandomPassword");
    return Promise.resolve({
      op,
      id: isPassword ? "none" : text,
      outputs: { ...resource.inputs, result: isPassword ? secret(text) : text },
    });
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

function randomId(inputs: JsonObject): Record<"b64Std" | "b64Url" | "dec" | "hex", string> {
  const bytes = randomBytes(Number(inputs.byteLength));
  const prefix = typeof inputs.prefix === "string" ? inputs.prefix : "";
  return {
    b64Std: prefix + bytes.toString("base64"),
    b64Url: prefix + bytes.toString("base64url"),
    dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
    hex: prefix + bytes.toString("hex"),
  };
}

/** As many of each class as its minimum asks for, the rest from all classes in use, then shuffled. */
function randomText(inputs: JsonObject): string {
  const on = (value: Json | undefined): boolean => value !== false;
  const least = (value: Json | undefined): number => (typeof value === "number" ? value : 0);
  const specials =
    typeof inputs.overrideSpecial === "string" && inputs.overrideSpecial !== ""
      ? inputs.overrideSpecial
      : special;
  const classes = [
    { use: on(inputs.lower), least: least(inputs.minLower), from: lower },
    { use: on(inputs.upper), least: least(inputs.minUpper), from: upper },
    { use: on(inputs.numeric ?? inputs.number), least: least(inputs.minNumeric), from: numeric },
    { use: on(inputs.special), least: least(inputs.minSpecial), from: specials },
  ].filter((item) => item.use);
  const all = classes.map((item) => item.from).join("");
  const pick = (from: string): string => from.charAt(randomInt(from.length));
  const picked = classes.flatMap((item) =>
    Array.from({ length: item.least }, () => pick(item.from)),
  );
  const length = Number(reveal(inputs.length ?? 0));
  while (picked.length < length) picked.push(pick(all));
  for (let last = picked.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [picked[last], picked[other]] = [picked[other] ?? "", picked[last] ?? ""];
  }
  return picked.join("");
}
