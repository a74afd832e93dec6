import type * as k8s from "@kubernetes/client-node";
import type { ObjectKey } from "@mcp-fleet/kube";
import type { FileTarget, HeaderFile } from "@mcp-fleet/mcp-probe";
import type { CutoverSpec, HeaderSource } from "@mcp-fleet/row-cutover";

import type { KeptHeader, ServerTarget } from "./types";

/** Where a pod has what is mounted for it. */
const directory = "/kept";
/** What the group of a pod may read of it. */
export const readable = 0o440;

/**
 * What a pod mounts to read values itself: no credential is copied for it, and a file has the present value.
 * Only the named key of a Secret is mounted, since a certificate's private key may be in the same Secret.
 */
export class MountedValues {
  private readonly known: ObjectKey[] = [];

  /** The file in which the pod has it. */
  file(from: ObjectKey): string {
    const id = JSON.stringify(from);
    let index = this.known.findIndex((one) => JSON.stringify(one) === id);
    if (index === -1) index = this.known.push(from) - 1;
    return `${directory}/${index}/${from.key}`;
  }

  volumes(): (Pick<k8s.V1Volume, "secret" | "configMap"> & { name: string })[] {
    return this.known.map((from, index) => {
      const items = [{ key: from.key, path: from.key }];
      const name = `kept-${index}`;
      // A pod that waits for a volume prints nothing. One that starts without it names the missing file.
      const optional = true;
      return "secret" in from
        ? { name, secret: { secretName: from.secret, items, defaultMode: readable, optional } }
        : { name, configMap: { name: from.configMap, items, optional } };
    });
  }

  mounts(): { name: string; mountPath: string; readOnly: true }[] {
    return this.known.map((_, index) => ({
      ...{ name: `kept-${index}`, mountPath: `${directory}/${index}`, readOnly: true as const },
    }));
  }
}

/** The targets as the probe's command reads them in a pod with these values. */
export function mountedTargets(
  targets: readonly ServerTarget[],
  values: MountedValues,
): FileTarget[] {
  return targets.map(({ caFrom, headersFrom, ...target }) => ({
    ...target,
    ...(caFrom === undefined
      ? {}
      : { caFile: "file" in caFrom ? caFrom.file : values.file(caFrom) }),
    ...(headersFrom === undefined
      ? {}
      : {
          headerFiles: Object.fromEntries(
            Object.entries(headersFrom).map(([name, from]) => [name, headerFile(from, values)]),
          ),
        }),
  }));
}

/** A spec and targets for a pod with these values that runs the checks itself. */
export function mountedFleet<
  T extends { readonly spec: CutoverSpec; readonly targets: readonly ServerTarget[] },
>(fleet: T, values: MountedValues): T {
  const headers = <S extends HeaderSource>(
    from: Readonly<Record<string, S>>,
  ): Record<string, S | HeaderFile> =>
    Object.fromEntries(
      Object.entries(from).map(([name, one]) => [
        name,
        "stack" in one ? one : headerFile(one, values),
      ]),
    );
  const rows = fleet.spec.rows.map(({ headersFrom, ...row }) =>
    headersFrom === undefined ? row : { ...row, headersFrom: headers(headersFrom) },
  );
  const targets = fleet.targets.map(({ caFrom, headersFrom, ...target }) => ({
    ...target,
    ...(caFrom === undefined
      ? {}
      : { caFrom: { file: "file" in caFrom ? caFrom.file : values.file(caFrom) } }),
    ...(headersFrom === undefined ? {} : { headersFrom: headers(headersFrom) }),
  }));
  return { ...fleet, spec: { ...fleet.spec, rows }, targets };
}

function headerFile(from: KeptHeader, values: MountedValues): HeaderFile {
  const file = "file" in from ? from.file : values.file({ secret: from.secret, key: from.key });
  return { file, ...(from.prefix === undefined ? {} : { prefix: from.prefix }) };
}
