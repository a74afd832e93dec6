import { UserError } from "@mcp-fleet/errors";

import { claimProblems } from "./checks/claims";
import { codeFiles } from "./checks/code";
import { sourceProblems } from "./checks/source";
import { type Problem, problemsOf } from "./problems";
import { type ServerInput, serverSchema, type ServerSettings } from "./server";

const keys = Object.keys(serverSchema.shape) as readonly (keyof ServerInput)[];

/**
 * Parses a server's settings as a program gives them, and reads its code. Unknown keys are ignored.
 * @param owner the resource that is created from it, for the error
 * @throws UserError naming `owner` and the first wrong key
 */
export function parseServer(input: object, owner: string): ServerSettings {
  const own = Object.fromEntries(
    keys.flatMap((key) => (key in input ? [[key, (input as ServerInput)[key]]] : [])),
  );
  const parsed = serverSchema.safeParse(own);
  const [wrong] = parsed.success
    ? [...sourceProblems(parsed.data), ...claimProblems(parsed.data, parsed.data.name ?? "")]
    : problemsOf(parsed.error, serverSchema);
  if (!parsed.success || wrong !== undefined) throw refused(owner, wrong);
  const { code } = parsed.data;
  return code === undefined
    ? parsed.data
    : { ...parsed.data, code: { files: codeFiles(code) ?? {}, app: code.app } };
}

function refused(owner: string, wrong: Problem | undefined): UserError {
  const path = wrong?.path ?? "";
  return new UserError(
    `${owner}: [${path}] ${wrong?.problem ?? "is wrong."}`,
    `Correct ${path}; docs/reference/configuration.md explains every key of a server.`,
  );
}
