import type { Program } from "@mcp-fleet/operations";

import { call } from "./process";

/** Time limit of a call of git, in seconds. */
const gitSeconds = 10;

/**
 * The program in a directory, as git knows it. Stack files are left out: the stack's history holds the configuration. So
 * are untracked files: they run only where a tracked file names them.
 *
 * @param directory of the Pulumi project
 * @returns no commit where there is no git, or no repository
 */
export async function programAt(directory: string): Promise<Program> {
  const head = await git(directory, ["rev-parse", "HEAD"]);
  if (head === undefined) return { changed: [] };
  const status = await git(directory, [
    ...["status", "--porcelain", "--untracked-files=no", "--no-renames", "-z", "--", "."],
  ]);
  const changed = (status ?? "").split("\0").flatMap((entry) => {
    // Two letters for index and work tree, a space, the path.
    const path = entry.slice(3);
    return path === "" || isStackFile(path) ? [] : [path];
  });
  return { commit: head.trim(), changed };
}

/** Path from the repository's root to the project, with a slash at its end; "" at the root. */
export async function projectInRepository(directory: string): Promise<string> {
  return ((await git(directory, ["rev-parse", "--show-prefix"])) ?? "").trim();
}

/** Whether a file is a `Pulumi.<stack>.yaml`, wherever `stackConfigDir` puts it. `Pulumi.yaml` is not. */
function isStackFile(path: string): boolean {
  return /(^|\/)Pulumi\..+\.ya?ml$/.test(path);
}

async function git(cwd: string, args: readonly string[]): Promise<string | undefined> {
  const asked = { command: "git", args, cwd, timeoutSeconds: gitSeconds };
  const answer = await call(asked).catch(() => undefined);
  return answer?.code === 0 ? answer.stdout : undefined;
}
