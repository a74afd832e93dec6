import { UserError } from "@mcp-fleet/errors";

import { credentialsOf, isConfigured, variableOf } from "./credentials";
import { isEmbedded, parseDocument } from "./document";
import { keyName } from "./keys";
import type { StoredRow } from "./rows";
import type { ForwardStep } from "./steps";
import { keptKeys } from "./target-document";

/** Collects credentials that only old documents hold. Without them a server would start but not work. */
export class LostCredentials {
  private readonly lost = new Set<string>();

  /**
   * Checks the row of a step. A value that is a path becomes a warning.
   * @param known whether an earlier run moved the row. Its headers are then that run's, unless it starts a
   * process
   */
  add(
    step: Pick<ForwardStep, "action" | "spec" | "keyAfter">,
    row: StoredRow,
    known: boolean,
    warnings: string[],
  ): void {
    if (step.action === "unchanged" || step.action === "late") return;
    const document = parseDocument([...row.key, ...step.keyAfter], row.config);
    if (document === undefined) return;
    const { content } = document;
    const { spec } = step;
    const configured = [
      ...(spec.secretKeys ?? []),
      ...Object.keys(spec.headers ?? {}).map((name) => variableOf(name)),
    ];
    const kept = keptKeys(spec, Object.keys(content));
    const ours = known && !isEmbedded(content) ? ["headers"] : [];
    const gone = Object.fromEntries(
      Object.entries(content).filter(([key]) => !kept.includes(key) && !ours.includes(key)),
    );
    for (const credential of credentialsOf(gone)) {
      const { name, value } = credential;
      if (value === "" || isConfigured(credential, configured)) continue;
      const at = `${keyName(row.match)}: ${name}`;
      if (typeof value === "string" && value.startsWith("/")) {
        warnings.push(
          `${at} names a file in the application's own image, which the server in the cluster does not have.`,
        );
      } else this.lost.add(at);
    }
  }

  /** @throws UserError that lists them */
  refuse(): void {
    if (this.lost.size === 0) return;
    throw new UserError(
      `Credentials would be lost, since the old rows hold them and the servers they move to do not: ${[...this.lost].join("; ")}.`,
      "Set each for its server: pulumi config set --secret --path serverSecrets.<server>.<NAME> <value> (of an option --api-key the name ends with API_KEY, of a password in a URL with PASSWORD)",
    );
  }
}
