import { quoted, UserError } from "@mcp-fleet/errors";
import { asking, type Kube, postJson } from "@mcp-fleet/kube";

import type { ClusterRight } from "./run-rights";

/** Questions under way at once. */
const atOnce = 10;

/**
 * Those of `rights` that the kubeconfig's identity does not have, by one `SelfSubjectAccessReview` for each.
 * @throws {UserError} when the cluster does not answer
 */
export async function missingClusterRights(
  kube: Kube,
  rights: readonly ClusterRight[],
): Promise<ClusterRight[]> {
  const missing: ClusterRight[] = [];
  for (let at = 0; at < rights.length; at += atOnce) {
    const some = rights.slice(at, at + atOnce);
    const allowed = await Promise.all(some.map((right) => isAllowed(kube, right)));
    missing.push(...some.filter((_, i) => allowed[i] !== true));
  }
  return missing;
}

async function isAllowed(kube: Kube, right: ClusterRight): Promise<boolean> {
  const { verb, group, resource: named, namespace, name } = right;
  const [resource = "", subresource] = named.split("/");
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: {
        ...{ verb, group, resource },
        ...(subresource === undefined ? {} : { subresource }),
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
      },
    },
  };
  const { status } = await asking(kube, "ask what this identity may do", () =>
    postJson<{ status?: { allowed?: boolean } }>(
      kube,
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      body,
    ),
  );
  return status?.allowed === true;
}

/** Who the cluster takes the kubeconfig's identity for; undefined where it does not say (before Kubernetes 1.28). */
export async function whoAmI(kube: Kube): Promise<string | undefined> {
  try {
    const { status } = await postJson<{ status?: { userInfo?: { username?: string } } }>(
      kube,
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    );
    return status?.userInfo?.username;
  } catch {
    return undefined;
  }
}

/** What is missing, and the commands that grant it and no more. */
export function refusedRights(
  kube: Pick<Kube, "context">,
  missing: readonly ClusterRight[],
  who: string | undefined,
): UserError {
  const places = [...new Set(missing.map(({ namespace }) => namespace))];
  const lacking = places.map((namespace) => {
    const rights = groupedByResource(missing.filter((right) => right.namespace === namespace));
    const list = rights.map(({ resource, verbs, name }) =>
      [verbs.join(", "), resource, name].filter((part) => part !== undefined).join(" "),
    );
    return `${list.join("; ")} ${namespace === undefined ? "in the whole cluster" : `in namespace ${namespace}`}`;
  });
  return new UserError(
    `${who ?? "The identity"} of context ${JSON.stringify(kube.context)} may not ${lacking.join("; nor ")}.`,
    `Have an administrator of the cluster run: ${places.flatMap((namespace) => commands(missing, namespace, who)).join(" && ")}`,
  );
}

/** A role for each set of verbs and each object, since one command gives all its verbs on all its resources. */
function commands(
  missing: readonly ClusterRight[],
  namespace: string | undefined,
  who: string | undefined,
): string[] {
  const rights = groupedByResource(missing.filter((right) => right.namespace === namespace));
  const byVerbs = new Map<string, string[]>();
  const named: [string, string][] = [];
  for (const { resource, verbs, name } of rights) {
    const key = verbs.join(",");
    if (name === undefined) byVerbs.set(key, [...(byVerbs.get(key) ?? []), resource]);
    else named.push([key, `${resource} --resource-name=${name}`]);
  }
  const roles = [
    ...[...byVerbs].map(([verbs, resources]) => [verbs, resources.join(",")] as const),
    ...named,
  ];
  const kind = namespace === undefined ? "clusterrole" : "role";
  const where = namespace === undefined ? "" : ` -n ${namespace}`;
  return roles.flatMap(([verbs, resources], i) => {
    const name = i === 0 ? "mcp-fleet" : `mcp-fleet-${i + 1}`;
    return [
      `kubectl create ${kind} ${name}${where} --verb=${verbs} --resource=${resources}`,
      `kubectl create ${kind}binding ${name}${where} --${kind}=${name} ${subject(who)}`,
    ];
  });
}

function subject(who: string | undefined): string {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(who ?? "");
  if (account !== null) return `--serviceaccount=${account[1]}:${account[2]}`;
  return who === undefined ? "--user=<user>" : `--user=${quoted(who)}`;
}

function groupedByResource(
  rights: readonly ClusterRight[],
): { readonly resource: string; readonly name?: string | undefined; readonly verbs: string[] }[] {
  const grouped = new Map<
    string,
    { resource: string; name: string | undefined; verbs: string[] }
  >();
  for (const { group, resource: named, verb, name } of rights) {
    const [resource = "", subresource] = named.split("/");
    const full = `${resource}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
    const id = JSON.stringify([full, name]);
    const { verbs } = grouped.get(id) ?? { verbs: [] };
    grouped.set(id, { resource: full, name, verbs: [...verbs, verb] });
  }
  return [...grouped.values()];
}
