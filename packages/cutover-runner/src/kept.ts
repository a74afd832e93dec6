import { UserError } from "@mcp-fleet/errors";
import { connectKube, type Kube, readObjectKey, UnreadKeyError } from "@mcp-fleet/kube";
import {
  headerFault,
  headerFromFile,
  headerValue,
  type ProbeTarget,
  withFiles,
} from "@mcp-fleet/mcp-probe";
import type { CutoverSpec } from "@mcp-fleet/row-cutover";

import type {
  Credentials,
  CutoverInputs,
  KeptHeader,
  KubeRef,
  ProbeSpec,
  ServerTarget,
} from "./types";

/** How the cluster is opened: only where something is kept there. */
type Open = () => Promise<Kube>;

/**
 * The spec with the values of headers that are kept elsewhere, as they are now. One without such headers comes back as it is,
 * and no cluster is asked.
 * @throws {UnreadKeyError} for what is not there or may not be read
 * @throws {UserError} for a value that no header can hold; no message has any of it
 */
export async function withHeaderValues(
  spec: CutoverSpec,
  kubernetes: KubeRef,
  credentials: Pick<Credentials, "kubeconfig">,
): Promise<CutoverSpec> {
  const open = once(() => connectKube(kubernetes, credentials));
  const rows = await Promise.all(
    spec.rows.map(async (row) => {
      const owner = typeof row.key === "string" ? row.key : row.key.join("/");
      const values = await valuesOf(row.headersFrom ?? {}, owner, open);
      return values === undefined ? row : { ...row, headers: { ...row.headers, ...values } };
    }),
  );
  return rows.every((row, index) => row === spec.rows[index]) ? spec : { ...spec, rows };
}

/** The same for the spec of a run. A rollback needs no headers, and must not fail for a Secret that is gone. */
export async function specFor(
  { spec, target, kubernetes }: Pick<CutoverInputs, "spec" | "target" | "kubernetes">,
  credentials: Pick<Credentials, "kubeconfig">,
): Promise<CutoverSpec> {
  return target === "embedded" ? spec : withHeaderValues(spec, kubernetes, credentials);
}

/**
 * The targets as this process asks them: with what is kept elsewhere.
 * @throws as {@link withHeaderValues}
 */
export async function targetsHere(
  targets: readonly ServerTarget[],
  namespace: string,
  open: Open,
): Promise<ProbeTarget[]> {
  const kube = once(open);
  return Promise.all(
    targets.map(async ({ caFrom, headersFrom, ...target }) => {
      const owner = serverOf(target.name);
      const values = await valuesOf(headersFrom ?? {}, owner, kube);
      const asked: ProbeTarget =
        values === undefined ? target : { ...target, headers: { ...target.headers, ...values } };
      if (caFrom === undefined) return asked;
      if ("file" in caFrom) return withFiles({ ...asked, caFile: caFrom.file });
      const at = `servers.${owner}.tls.ca`;
      return { ...asked, ca: await readObjectKey(await kube(), namespace, caFrom, at) };
    }),
  );
}

/**
 * Checks that everything exists that a pod needs to ask the targets. An error names the configuration key of what is
 * missing. What this identity may not read is left to the pod.
 * @throws {UnreadKeyError} for what is missing
 */
export async function requireKept(
  kube: Kube,
  targets: readonly ServerTarget[],
  { namespace, needs = {} }: Pick<ProbeSpec, "namespace" | "needs">,
): Promise<void> {
  const reads: (() => Promise<unknown>)[] = [
    () => targetsHere(targets, namespace, () => Promise.resolve(kube)),
    ...Object.entries(needs).map(
      ([owner, from]) =>
        () =>
          readObjectKey(kube, namespace, from, owner),
    ),
  ];
  for (const read of reads) {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof UnreadKeyError && error.forbidden)) throw error;
    }
  }
}

/** The server that a target is of: one whose row has another path is asked twice. */
function serverOf(name: string): string {
  return name.replace(/ \(.*\)$/, "");
}

async function valuesOf(
  from: Readonly<Record<string, KeptHeader | { readonly stack: string }>>,
  server: string,
  open: Open,
): Promise<Record<string, string> | undefined> {
  const kept = Object.entries(from).flatMap(([name, source]) =>
    "stack" in source ? [] : [[name, source] as const],
  );
  if (kept.length === 0) return undefined;
  const values = await Promise.all(
    kept.map(async ([name, source]) => [name, await valueOf(name, source, server, open)] as const),
  );
  return Object.fromEntries(values);
}

async function valueOf(
  name: string,
  source: KeptHeader,
  server: string,
  open: Open,
): Promise<string> {
  if ("file" in source) return headerFromFile(server, name, source);
  const owner = `servers.${server}.headers.${name}`;
  const { namespace, prefix, ...from } = source;
  const value = headerValue(prefix, await readObjectKey(await open(), namespace, from, owner));
  const fault = headerFault(prefix, value);
  if (fault === undefined) return value;
  throw new UserError(
    `[${owner}] The value under ${from.key} of Secret ${namespace}/${from.secret} is ${fault}${fault === "empty" ? "" : ", which is all that a header can hold"}.`,
    `Put the value alone there, or name another key in ${owner}.`,
  );
}

function once(open: Open): Open {
  let kube: Promise<Kube> | undefined;
  return () => (kube ??= open());
}
