import { randomInt } from "node:crypto";

import type { Failure, ResourceType } from "../resource-type";
import { withInitials } from "../resource-type";
import { type Json, type JsonObject, textAt } from "../values";

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const numeric = "0123456789";
const special = "!@#$%&*()-_=+[]{}<>:?";

const made = { replaces: true } as const;
const on = { initial: true, ...made } as const;
const none = { initial: 0, ...made } as const;

/** The id of every password in the real plugin, because an id is not secret. */
const id = "none";

/**
 * `RandomPassword`: created once and kept in the state, and replaced when any input changes, keepers included.
 * The real plugin's `bcryptHash` is missing.
 */
export const randomPassword: ResourceType = {
  token: "random:index/randomPassword:RandomPassword",
  attributes: {
    length: made,
    keepers: made,
    ...{ lower: on, upper: on, numeric: on, special: on },
    ...{ minLower: none, minUpper: none, minNumeric: none, minSpecial: none },
    overrideSpecial: made,
  },
  secretOutputs: ["result"],
  computedOutputs: ["result"],
  refuse: (inputs) => {
    const classes = classesOf(withInitials(randomPassword, inputs));
    const least = classes.reduce((sum, { least }) => sum + least, 0);
    return [
      ...refuseIf(
        !(Number.isInteger(inputs.length) && Number(inputs.length) >= Math.max(1, least)),
        "length",
        `The length of a RandomPassword is a whole number of at least 1, and here at least the ${least} characters that its minimums ask for. Make it longer.`,
      ),
      ...refuseIf(
        classes.length === 0,
        "lower",
        "A RandomPassword without any class of characters cannot be made. Leave lower, upper, numeric or special on.",
      ),
    ];
  },
  create: (inputs) => {
    const state = withInitials(randomPassword, inputs);
    return Promise.resolve({ id, state: { ...state, result: password(state) } });
  },
  read: (given, known) => {
    if (known !== undefined) return Promise.resolve({ id: given, state: known });
    // An import's id is the password itself, as with the real plugin.
    const state = withInitials(randomPassword, { length: [...given].length });
    return Promise.resolve({ id, state: { ...state, result: given } });
  },
  remove: () => Promise.resolve(),
};

function refuseIf(wrong: boolean, property: string, reason: string): Failure[] {
  return wrong ? [{ property, reason }] : [];
}

/** The character classes in use, with their minimum numbers. */
function classesOf(inputs: JsonObject): { from: string; least: number }[] {
  const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);
  const ownSpecials = textAt(inputs, "overrideSpecial") ?? "";
  return [
    { use: inputs.lower, least: count(inputs.minLower), from: lower },
    { use: inputs.upper, least: count(inputs.minUpper), from: upper },
    { use: inputs.numeric, least: count(inputs.minNumeric), from: numeric },
    {
      use: inputs.special,
      least: count(inputs.minSpecial),
      from: ownSpecials === "" ? special : ownSpecials,
    },
  ].filter(({ use }) => use === true);
}

/** The minimum number of each class, the rest from all classes in use, shuffled. */
function password(inputs: JsonObject): string {
  const classes = classesOf(inputs);
  // By characters, not by UTF-16 code units.
  const all = classes.flatMap(({ from }) => [...from]);
  const pick = (from: readonly string[]): string => from[randomInt(from.length)] ?? "";
  const picked = classes.flatMap(({ from, least }) =>
    Array.from({ length: least }, () => pick([...from])),
  );
  while (picked.length < Number(inputs.length)) picked.push(pick(all));
  for (let last = picked.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [picked[last], picked[other]] = [picked[other] ?? "", picked[last] ?? ""];
  }
  return picked.join("");
}
