import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";
import {
  ApiError,
  asking,
  getJson,
  getMetadata,
  ifAllowed,
  ifThere,
  type Kube,
  oneLine,
  UnreachableError,
  warningsAbout,
} from "@mcp-fleet/kube";

/** An ExternalSecret, and the Secret of the same name that the External Secrets Operator makes of it. */
export interface ExternalSecretRef {
  readonly namespace: string;
  readonly name: string;
}

/** How a Secret is waited for. */
export interface SecretWait {
  /** How long it may take to be there, in seconds. */
  readonly seconds: number;
  /** Called with why the Secret does not exist yet, each reason once, and with other notes for the reader. */
  readonly say: (sentence: string) => void;
}

/** Only the fields that are read here. Whoever may write the status may put anything there. */
interface ExternalSecret {
  readonly metadata?: { readonly generation?: unknown };
  readonly spec?: { readonly refreshPolicy?: unknown; readonly refreshInterval?: unknown };
  readonly status?: {
    /** The generation that the Secret was last made of, a dash and a hash of labels and annotations. */
    readonly syncedResourceVersion?: unknown;
    readonly conditions?: unknown;
  } | null;
}

/** A condition of its status. */
interface Condition {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

/** A Secret as the ExternalSecret describes it. */
export interface MadeSecret {
  /**
   * What changes when it does: its resourceVersion, which says nothing of its content. Undefined where it may not be read, or
   * its ExternalSecret is gone.
   */
  readonly version?: string;
}

/** The Secret, or why it does not exist. Both when the operator could not read its store again. */
interface Seen {
  readonly made?: MadeSecret;
  readonly problem?: string;
}

const pollMs = 500;
/** How long the operator may take to react before it counts as late, in milliseconds. */
const promptMs = 3000;

/**
 * Reads the Secret once: only its metadata, so that no value reaches this process.
 *
 * @returns undefined while the operator has not made it of what the ExternalSecret says now
 * @throws {UserError} when the cluster does not answer, or refuses
 */
export async function seeExternalSecret(
  kube: Kube,
  ref: ExternalSecretRef,
): Promise<MadeSecret | undefined> {
  return (await look(kube, ref)).made;
}

/**
 * Returns when the operator has made the Secret of what the ExternalSecret says now. One whose store cannot be read again
 * stays as it is, and is no reason to wait.
 *
 * @throws {UserError} when it is not there in time, with the operator's own reason
 */
export async function waitForExternalSecret(
  kube: Kube,
  ref: ExternalSecretRef,
  { seconds, say }: SecretWait,
): Promise<MadeSecret> {
  const started = Date.now();
  const reported = new Set<string>();
  const tell = (sentence: string): void => {
    if (!reported.has(sentence)) say(sentence);
    reported.add(sentence);
  };
  for (;;) {
    const seen = await look(kube, ref).catch(unlessPassing);
    const why = seen.problem ?? "";
    if (seen.made !== undefined) {
      if (why !== "") tell(`Secret ${nameOf(ref)}: ${why}.`);
      return seen.made;
    }
    const waited = Date.now() - started;
    if (waited > seconds * 1000) {
      throw new UserError(
        `The External Secrets Operator did not make the Secret ${nameOf(ref)} within ${seconds} seconds: ${why}.`,
        `Mend the entry, the store or what secret.external says, then run again; the operator's own words: kubectl -n ${ref.namespace} describe externalsecret ${ref.name}`,
      );
    }
    if (waited > promptMs) tell(`Waiting for the Secret ${nameOf(ref)}: ${why}.`);
    await sleep(pollMs);
  }
}

const nameOf = ({ namespace, name }: ExternalSecretRef): string => `${namespace}/${name}`;

async function look(kube: Kube, ref: ExternalSecretRef): Promise<Seen> {
  const { namespace, name } = ref;
  const at = `namespaces/${namespace}`;
  const asked = await ifThere(
    asking(kube, `read ExternalSecret ${nameOf(ref)}`, () =>
      getJson<ExternalSecret>(kube, `/apis/external-secrets.io/v1/${at}/externalsecrets/${name}`),
    ),
  );
  // It was deleted. The pods' errors will name what is missing.
  if (asked === undefined) return { made: {} };
  const problem = await problemOf(kube, ref, asked);
  if (!isSynced(asked)) return { problem: problem ?? unseen };
  try {
    const secret = await ifThere(
      asking(kube, `read the Secret ${nameOf(ref)}`, () =>
        getMetadata(kube, `/api/v1/${at}/secrets/${name}`),
      ),
    );
    if (secret === undefined) return { problem: problem ?? "the operator is done, and made none" };
    const kept = problem === undefined ? {} : { problem: `it stays as it is, since ${problem}` };
    return { made: { version: secret.resourceVersion }, ...kept };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    const reason = error.problem.replace(/\.$/, "");
    return { made: {}, problem: `a change of it rolls no pods here, because ${reason}` };
  }
}

const unseen = "the operator has not looked at it: is it running, and does it serve this store?";

/** Whether the Secret was made of what the ExternalSecret says now; where it is made once for all, whether it ever was. */
function isSynced({ metadata, spec, status }: ExternalSecret): boolean {
  const [generation] = textOf(status?.syncedResourceVersion)?.split("-") ?? [];
  const once =
    spec?.refreshPolicy === "CreatedOnce" || /^0[0a-z]*$/.test(textOf(spec?.refreshInterval) ?? "");
  return once ? generation !== undefined : generation === String(metadata?.generation);
}

/** Why the operator could not do what it is asked; undefined where it could, or has not tried. */
async function problemOf(
  kube: Kube,
  { namespace, name }: ExternalSecretRef,
  { status }: ExternalSecret,
): Promise<string | undefined> {
  const ready = conditionsOf(status?.conditions).find(({ type }) => type === "Ready");
  if (ready === undefined || ready.status === "True") return undefined;
  // The condition says what failed in general; which entry it is, and how, is in the event.
  const events = await ifAllowed(warningsAbout(kube, { kind: "ExternalSecret", namespace, name }));
  const latest = events
    .map(({ message, lastTimestamp, eventTime }) => ({
      message: textOf(message) ?? "",
      at: String(lastTimestamp ?? eventTime ?? ""),
    }))
    .sort((a, b) => a.at.localeCompare(b.at))
    .at(-1);
  const details = [textOf(ready.message) ?? "no reason given", latest?.message ?? ""].filter(
    (text) => text !== "",
  );
  const reason = textOf(ready.reason) ?? "it is not ready";
  return [reason, ...details].map(oneLine).join(": ");
}

function conditionsOf(value: unknown): Condition[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [];
  return all.filter((one): one is Condition => typeof one === "object" && one !== null);
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** A cluster may fail to answer for a moment, so it is asked again. */
function unlessPassing(error: unknown): Seen {
  const passing =
    error instanceof UnreachableError ||
    (error instanceof ApiError && (error.status >= 500 || error.status === 429));
  if (!passing) throw error;
  return { problem: error.problem.replace(/\.$/, "") };
}
