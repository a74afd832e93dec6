import { UserError } from "@mcp-fleet/errors";

import type { Kube } from "./connect";
import { ApiError, asking } from "./errors";

/** A key of a Secret or a ConfigMap. */
export type ObjectKey =
  | { readonly secret: string; readonly key: string }
  | { readonly configMap: string; readonly key: string };

/** The object does not exist, has no such key, or this identity may not read it. */
export class UnreadKeyError extends UserError {
  constructor(
    problem: string,
    fix: string,
    /** Whether it may exist: the kubelet may read it although this identity may not. */
    readonly forbidden = false,
  ) {
    super(problem, fix);
  }
}

/** `Secret tools-token, key token`: for messages. */
export function objectKeyText(from: ObjectKey): string {
  const object = "secret" in from ? `Secret ${from.secret}` : `ConfigMap ${from.configMap}`;
  return `${object}, key ${from.key}`;
}

/**
 * The text under a key, as it is now.
 * @param owner the configuration key that names it, for the error
 * @throws {UnreadKeyError} which quotes nothing of it
 * @throws {UserError} when the cluster does not answer
 */
export async function readObjectKey(
  kube: Kube,
  namespace: string,
  from: ObjectKey,
  owner: string,
): Promise<string> {
  const { key } = from;
  const [kind, name] = "secret" in from ? ["Secret", from.secret] : ["ConfigMap", from.configMap];
  const at = `${kind} ${namespace}/${name}`;
  try {
    const content = await asking(kube, `read ${at}`, async () => {
      if ("configMap" in from) {
        const { data, binaryData } = await kube.core.readNamespacedConfigMap({ namespace, name });
        return own(data, key) ?? decoded(own(binaryData, key));
      }
      const { data } = await kube.core.readNamespacedSecret({ namespace, name });
      return decoded(own(data, key));
    });
    if (content !== undefined) return content;
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 403)) throw error;
    throw error.status === 404
      ? new UnreadKeyError(
          `[${owner}] There is no ${kind} ${name} in namespace ${namespace}.`,
          `Make it, or name another one in ${owner}.`,
        )
      : new UnreadKeyError(
          `[${owner}] ${at} may not be read by this identity.`,
          `Let it get ${kind.toLowerCase()}s of that name in namespace ${namespace}.`,
          true,
        );
  }
  throw new UnreadKeyError(
    `[${owner}] ${at} has no key ${key}.`,
    `Add it, or name one of its keys in ${owner}.`,
  );
}

/** A key may be any word, even `constructor`. */
function own(of: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return of !== undefined && Object.hasOwn(of, key) ? of[key] : undefined;
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
