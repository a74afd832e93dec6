import { changeOf } from "./events";
import type { Preview, StateResource } from "./types";

/** What `pulumi preview --json` prints. */
export interface PreviewJson {
  readonly steps?: readonly {
    readonly op: string;
    readonly urn: string;
    readonly oldState?: StateResource;
    readonly newState?: StateResource;
  }[];
  readonly diagnostics?: readonly { readonly severity: string; readonly message: string }[];
}

/** Converts a preview. A step without a new state deletes its resource. */
export function previewOf({ steps = [], diagnostics = [] }: PreviewJson): Preview {
  const messages = (wanted: "info" | "warning"): string[] =>
    diagnostics.flatMap(({ severity, message }) =>
      severity === wanted ? [message.replace(/^(info|warning): /, "").trim()] : [],
    );
  return {
    changes: steps.flatMap(({ op, urn, oldState, newState }) => {
      const change = changeOf({ op, urn, custom: (newState ?? oldState)?.custom === true });
      return change === undefined ? [] : [change];
    }),
    resources: steps.flatMap(({ newState }) => (newState === undefined ? [] : [newState])),
    warnings: messages("warning"),
    notes: messages("info"),
  };
}
