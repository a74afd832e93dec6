import { execFileSync } from "node:child_process";
import { hostname, userInfo } from "node:os";

import type { RunMeta } from "../components/cutover";

const gitTimeoutMs = 3000;

/** Who runs the program, from which commit: recorded in the ledger with each run. A change of it causes no run. */
export function runMeta(stack: string, toolVersion: string): RunMeta {
  const commit = programCommit();
  return { who: who(), stack, toolVersion, commit };
}

/** The program's commit: from CI, else from git, else none. */
function programCommit(): string | undefined {
  const fromCi =
    process.env.MCP_FLEET_COMMIT ?? process.env.GITHUB_SHA ?? process.env.CI_COMMIT_SHA ?? "";
  if (fromCi !== "") return fromCi;
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: __dirname,
      timeout: gitTimeoutMs,
      stdio: ["ignore", "pipe", "ignore"],
      encoding: "utf8",
    }).trim();
  } catch {
    return undefined;
  }
}

function who(): string {
  const actor = process.env.GITHUB_ACTOR ?? process.env.GITLAB_USER_LOGIN ?? userName();
  return `${actor}@${hostname()}`;
}

/** A container can run with a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
