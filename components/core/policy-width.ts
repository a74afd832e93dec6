import { isDeepStrictEqual } from "node:util";

import { cidrContains, cidrsOverlap, isCidr } from "@mcp-fleet/schema";

type Fields = Readonly<Record<string, unknown>>;
type Peer = Fields | undefined;

/**
 * Whether every connection that one of the rules lets through was let through by one of `before`. `side` is where a
 * rule has its peers. A rule without peers is for everybody, one without ports for every port. What is not
 * understood does not count as narrower.
 */
export function rulesWithin(side: "from" | "to", rules: unknown, before: unknown): boolean {
  if (rules === undefined || rules === null) return true;
  if (!Array.isArray(rules)) return false;
  const allowed = pairsOf(side, before);
  return pairsOf(side, rules).every((pair) =>
    allowed.some((old) => peerWithin(pair.peer, old.peer) && portWithin(pair.port, old.port)),
  );
}

function pairsOf(side: "from" | "to", rules: unknown): { peer: Peer; port: Fields | undefined }[] {
  return (Array.isArray(rules) ? (rules as (Fields | null)[]) : []).flatMap((rule) =>
    listOf(rule?.[side]).flatMap((peer) => listOf(rule?.ports).map((port) => ({ peer, port }))),
  );
}

/** The entries of a list; nothing in it stands for everything. */
function listOf(value: unknown): (Fields | undefined)[] {
  if (Array.isArray(value) && value.length > 0) return value as Fields[];
  return [undefined];
}

function portWithin(port: Fields | undefined, old: Fields | undefined): boolean {
  return old === undefined || (port !== undefined && isDeepStrictEqual(port, old));
}

function peerWithin(peer: Peer, old: Peer): boolean {
  if (old === undefined) return true;
  if (peer === undefined) return false;
  if (isDeepStrictEqual(peer, old)) return true;
  if (old.ipBlock !== undefined || peer.ipBlock !== undefined)
    return blockWithin(peer.ipBlock, old.ipBlock);
  const { namespaceSelector: oldSpace, podSelector: oldPods = {} } = old;
  const { namespaceSelector: space, podSelector: pods = {} } = peer;
  // Without a selector of namespaces it is the policy's own.
  const everywhere = isDeepStrictEqual(oldSpace, {});
  const spaces =
    space === undefined
      ? oldSpace === undefined || everywhere
      : oldSpace !== undefined && selectorWithin(space, oldSpace);
  return spaces && selectorWithin(pods, oldPods);
}

function blockWithin(block: unknown, old: unknown): boolean {
  const { cidr, except = [] } = (block ?? {}) as Fields;
  const { cidr: oldCidr, except: oldExcept = [] } = (old ?? {}) as Fields;
  const texts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((one) => typeof one === "string" && isCidr(one));
  if (!texts([cidr, oldCidr]) || !texts(except) || !texts(oldExcept)) return false;
  const [inner, outer] = [cidr as string, oldCidr as string];
  return (
    cidrContains(outer, inner) &&
    oldExcept.every(
      (hole) => !cidrsOverlap(hole, inner) || except.some((own) => cidrContains(own, hole)),
    )
  );
}

/** A selector selects less by asking for more labels. */
function selectorWithin(selector: unknown, old: unknown): boolean {
  const labels = (of: unknown): Fields => ((of as Fields | null)?.matchLabels ?? {}) as Fields;
  const rules = (of: unknown): unknown[] => {
    const found = (of as Fields | null)?.matchExpressions ?? [];
    return Array.isArray(found) ? (found as unknown[]) : [NaN];
  };
  return (
    Object.entries(labels(old)).every(([key, value]) => labels(selector)[key] === value) &&
    rules(old).every((rule) => rules(selector).some((own) => isDeepStrictEqual(own, rule)))
  );
}
