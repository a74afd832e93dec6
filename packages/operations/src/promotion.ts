import { UserError } from "@mcp-fleet/errors";

import type { DriftReport } from "./drift";
import { compareConfig, type ConfigChange, leavesOf, pathTo, type StackConfig } from "./updates";
import type { VerifyReport } from "./verify";

/** What one stack takes over from another: images only. */
export interface Promotion {
  /** The stack's configuration with the images of the other. */
  readonly config: StackConfig;
  /** The images that change. */
  readonly images: readonly ConfigChange[];
  /** All other differences of the two stacks. They stay. */
  readonly differences: readonly ConfigChange[];
  /** Keys of servers that only the first stack has. They are not created in the second. */
  readonly missing: readonly string[];
}

/** Paths of images. Nothing else of an environment is promoted. */
const imagePath =
  /^mcp-fleet:(servers\.(.+)\.image|studio\.images\.[\w-]+|studio\.images\["[\w-]+"\]|probe\.image)$/;

/** The configuration of `to` with the images of `from`, wherever both name one. */
export function planPromotion(from: StackConfig, to: StackConfig): Promotion {
  const [source, target] = [leavesOf(from), leavesOf(to)];
  const taken = new Map(
    [...source].flatMap(([path, leaf]) =>
      imagePath.test(path) && target.has(path) ? [[path, leaf.value] as const] : [],
    ),
  );
  const config = Object.fromEntries(
    Object.entries(to).map(([key, { value, secret }]) => [
      key,
      { secret, value: secret ? value : replaced(key, value, taken) },
    ]),
  );
  const known = new Set(serverKeys(to));
  return {
    config,
    images: compareConfig(to, config),
    differences: compareConfig(from, to).filter(({ path }) => !taken.has(path)),
    missing: serverKeys(from).filter((key) => !known.has(key)),
  };
}

function serverKeys(config: StackConfig): string[] {
  const servers = config["mcp-fleet:servers"]?.value;
  return typeof servers === "object" && servers !== null ? Object.keys(servers).sort() : [];
}

/** A copy with these values at these paths. */
function replaced(path: string, value: unknown, by: ReadonlyMap<string, unknown>): unknown {
  if (by.has(path)) return by.get(path);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      replaced(pathTo(path, name, false), inner, by),
    ]),
  );
}

/**
 * Refuses to promote from a stack that has not proved that it works.
 * @throws UserError
 */
export function refuseUnproved(
  stack: string,
  drift: Pick<DriftReport, "settled" | "findings">,
  verified: Pick<VerifyReport, "generation" | "failed" | "servers">,
): void {
  if (verified.generation === 0) {
    throw new UserError(
      `${stack} has not been cut over yet, so nothing is proved.`,
      `Cut it over first, then run mcp-fleet verify --stack ${stack}.`,
    );
  }
  if (!drift.settled) {
    throw new UserError(
      `Generation ${verified.generation} of ${stack} is not settled: old pods may still run, or the write fence stands.`,
      `Let its update end, or run mcp-fleet settle --stack ${stack}.`,
    );
  }
  if (drift.findings.length > 0) {
    throw new UserError(
      `Rows and cluster of ${stack} differ in ${drift.findings.length} place${drift.findings.length === 1 ? "" : "s"}.`,
      `Run mcp-fleet drift --stack ${stack} and correct them first.`,
    );
  }
  if (verified.failed > 0) {
    const names = verified.servers.filter(({ ok }) => !ok).map(({ server }) => server);
    throw new UserError(
      `${verified.failed} servers of ${stack} are not as they should be: ${[...new Set(names)].join(", ")}.`,
      `Run mcp-fleet verify --stack ${stack} and correct them first.`,
    );
  }
}
