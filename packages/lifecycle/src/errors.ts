import { UserError } from "@mcp-fleet/errors";

// The exit codes are those of the command line: docs/cli.md.

/** A name or a number that no server can have. Nothing was asked of the cluster. */
export class InvalidError extends UserError {
  constructor(problem: string, fix: string) {
    super(problem, fix, { exitCode: 2 });
  }
}

/** There is no such MCP server in the namespace. */
export class NotFoundError extends UserError {
  constructor(problem: string, fix: string) {
    super(problem, fix, { exitCode: 3 });
  }
}

/** Something in the cluster would undo or delay the change. Nothing was changed. */
export class ObstacleError extends UserError {}

/** The time is over. The change stays requested, and may still happen. */
export class TimeoutError extends UserError {
  constructor(problem: string, fix: string) {
    super(problem, fix, { exitCode: 4 });
  }
}
