import type { ClusterRight } from "./run-rights";

/** Who is to have the rights. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** A rule of a Role. */
interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** A Role, ClusterRole or binding, as `kubectl apply` takes it. */
export interface RoleObject {
  readonly apiVersion: "rbac.authorization.k8s.io/v1";
  readonly kind: "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding";
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const apiVersion = "rbac.authorization.k8s.io/v1";

/** Roles that hold these rights and no others, with their bindings: one for each namespace, and one for the cluster. */
export function rolesOf(
  rights: readonly ClusterRight[],
  account: Account,
  name: string,
): RoleObject[] {
  const places = [...new Set(rights.map(({ namespace }) => namespace))];
  return places.flatMap((namespace): RoleObject[] => {
    const kind = namespace === undefined ? "ClusterRole" : "Role";
    const metadata = namespace === undefined ? { name } : { name, namespace };
    return [
      {
        ...{ apiVersion, kind, metadata },
        rules: rulesOf(rights.filter((right) => right.namespace === namespace)),
      },
      {
        ...{ apiVersion, kind: `${kind}Binding`, metadata },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
        subjects: [{ kind: "ServiceAccount", ...account }],
      },
    ];
  });
}

/** Resources of a group with the same verbs share a rule. */
function rulesOf(rights: readonly ClusterRight[]): Rule[] {
  const verbs = new Map<string, { right: ClusterRight; verbs: string[] }>();
  for (const right of rights) {
    const key = JSON.stringify([right.group, right.resource, right.name]);
    const known = verbs.get(key) ?? { right, verbs: [] };
    known.verbs.push(right.verb);
    verbs.set(key, known);
  }
  const rules = new Map<string, Rule & { resources: string[] }>();
  for (const { right, verbs: own } of verbs.values()) {
    const key = JSON.stringify([right.group, right.name, own]);
    const rule = rules.get(key) ?? {
      ...{ apiGroups: [right.group], resources: [] },
      ...(right.name === undefined ? {} : { resourceNames: [right.name] }),
      verbs: own,
    };
    rule.resources.push(right.resource);
    rules.set(key, rule);
  }
  return [...rules.values()];
}
