import { Output } from "@pulumi/pulumi";

/** One field of a pod that is weaker than allowed. */
export interface PodProblem {
  /** Path of the field below the pod template, for example `spec.hostIPC`. */
  readonly field: string;
  /** The allowed value, in words that follow the field's name. */
  readonly allowed: string;
}

type Fields = Readonly<Record<string, unknown>>;
type Test = (value: unknown) => boolean;

const safeVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"].concat(
  ["persistentVolumeClaim", "projected", "secret"], // the Pod Security Standards' list
);
const safeSysctls = [
  ...["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"],
  ...["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"],
  ...["net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"],
  ...["net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"],
];
const selinuxTypes = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
const profileTypes = ["RuntimeDefault", "Localhost"];
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";

const unset: Test = (value) => value === undefined || value === null;
const notTrue: Test = (value) => unset(value) || value === false;
const empty: Test = (value) => unset(value) || value === "";
const noneOrZero: Test = (value) => unset(value) || value === 0;
const positive: Test = (value) => unset(value) || (typeof value === "number" && value > 0);
const oneOf =
  (...allowed: unknown[]): Test =>
  (value) =>
    unset(value) || allowed.includes(value);

/**
 * Everything in a pod template that is weaker than the profile `restricted` of the Kubernetes Pod Security
 * Standards and this project's own rules: a read-only root, no group 0, no shared process namespace, no
 * automatic token, no variables for Services. A value that is not known yet (an Output) counts as weaker,
 * because it cannot be checked.
 */
export function restrictedProblems(template: unknown): PodProblem[] {
  const found: PodProblem[] = [];
  const look = looker(found);
  const metadata = look.object(template, "metadata");
  const spec = look.object(template, "spec");
  if (Object.keys(spec).length === 0) {
    look.must({}, "")("spec", () => false, "given");
    return found;
  }
  const annotations = look.object(metadata, "annotations", "metadata.");
  // Only these are read: in a preview the policy pack must not touch unknown values.
  for (const key of Object.keys(annotations).filter((one) => one.startsWith(appArmorAnnotation))) {
    const value = annotations[key];
    const held = value === "runtime/default" || /^localhost\//.test(String(value));
    if (!held) found.push({ field: `metadata.annotations.${key}`, allowed: '"runtime/default"' });
  }
  checkPod(look, spec);
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    for (const [index, container] of look.list(spec, list, "spec.").entries()) {
      const { name } = container as { name?: unknown };
      const at = `spec.${list}[${typeof name === "string" ? name : index}].`;
      checkContainer(look, container, at, look.object(spec, "securityContext", "spec."));
    }
  }
  return found;
}

function checkPod(look: Looker, spec: Fields): void {
  const must = look.must(spec, "spec.");
  must("automountServiceAccountToken", (value) => value === false, "false");
  must("enableServiceLinks", (value) => value === false, "false");
  for (const field of ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"])
    must(field, notTrue, "false or left out");
  const context = look.object(spec, "securityContext", "spec.");
  const at = "spec.securityContext.";
  const inContext = look.must(context, at);
  inContext("runAsNonRoot", (value) => value === true, "true");
  inContext("runAsGroup", positive, "above 0 or left out");
  inContext("fsGroup", positive, "above 0 or left out");
  for (const [index, group] of look.list(context, "supplementalGroups", at).entries())
    look.must({ group }, `${at}supplementalGroups[${index}] `)("group", positive, "above 0");
  for (const [index, sysctl] of look.list(context, "sysctls", at).entries())
    look.must(sysctl, `${at}sysctls[${index}].`)(
      "name",
      (name) => safeSysctls.includes(name as string),
      `one of the safe ones (${safeSysctls.join(", ")})`,
    );
  checkContext(look, context, at);
  for (const [index, volume] of look.list(spec, "volumes", "spec.").entries())
    for (const kind of Object.keys(volume))
      if (kind !== "name" && !unset(volume[kind]))
        look.must(volume, `spec.volumes[${index}].`)(
          kind,
          () => safeVolumes.includes(kind),
          `left out: a volume may be ${safeVolumes.join(", ")}`,
        );
}

/** The standards' rules for a security context, of the pod and of each container. */
function checkContext(look: Looker, context: Fields, at: string): void {
  look.must(context, at)("runAsUser", positive, "above 0 or left out");
  const within = (name: string): ReturnType<Looker["must"]> =>
    look.must(look.object(context, name, at), `${at}${name}.`);
  within("windowsOptions")("hostProcess", notTrue, "false or left out");
  const selinux = within("seLinuxOptions");
  selinux("type", oneOf("", ...selinuxTypes), `one of ${selinuxTypes.join(", ")} or left out`);
  selinux("user", empty, "left out");
  selinux("role", empty, "left out");
  within("appArmorProfile")("type", oneOf(...profileTypes), `${profileTypes.join(" or ")}`);
}

function checkContainer(look: Looker, container: Fields, at: string, pod: Fields): void {
  const context = look.object(container, "securityContext", at);
  const own = `${at}securityContext.`;
  const must = look.must(context, own);
  must("allowPrivilegeEscalation", (value) => value === false, "false");
  must("readOnlyRootFilesystem", (value) => value === true, "true");
  must("privileged", notTrue, "false or left out");
  must("runAsNonRoot", oneOf(true), "true or left out");
  must("runAsGroup", positive, "above 0 or left out");
  must("procMount", oneOf("Default"), "Default or left out");
  checkContext(look, context, own);
  const profile = (of: Fields, where: string): unknown =>
    look.object(of, "seccompProfile", where).type;
  const seccomp = profile(context, own) ?? profile(pod, "spec.securityContext.");
  look.must({ type: seccomp }, `${own}seccompProfile.`)(
    "type",
    (type) => !unset(type) && profileTypes.includes(type as string),
    `${profileTypes.join(" or ")}, here or in the pod's securityContext`,
  );
  const capabilities = look.object(context, "capabilities", own);
  const inCapabilities = look.must(capabilities, `${own}capabilities.`);
  inCapabilities("drop", (drop) => Array.isArray(drop) && drop.includes("ALL"), '["ALL"]');
  inCapabilities(
    "add",
    (add) => unset(add) || (Array.isArray(add) && add.every((one) => one === "NET_BIND_SERVICE")),
    "left out, or NET_BIND_SERVICE alone",
  );
  for (const [index, port] of look.list(container, "ports", at).entries())
    look.must(port, `${at}ports[${index}].`)("hostPort", noneOrZero, "left out");
  checkHosts(look, container, at);
}

/** Since 1.34: a probe or hook with its own host lets the kubelet call any address. */
function checkHosts(look: Looker, container: Fields, at: string): void {
  const lifecycle = look.object(container, "lifecycle", at);
  const handlers: (readonly [Fields, string])[] = [
    ...["livenessProbe", "readinessProbe", "startupProbe"].map(
      (name) => [look.object(container, name, at), `${at}${name}.`] as const,
    ),
    ...["postStart", "preStop"].map((name) => {
      const where = `${at}lifecycle.`;
      return [look.object(lifecycle, name, where), `${where}${name}.`] as const;
    }),
  ];
  for (const [handler, where] of handlers)
    for (const call of ["httpGet", "tcpSocket"])
      look.must(look.object(handler, call, where), `${where}${call}.`)("host", empty, "left out");
}

interface Looker {
  object(of: unknown, key: string, at?: string): Fields;
  list(of: unknown, key: string, at?: string): Fields[];
  must(of: Fields, at: string): (key: string, holds: Test, allowed: string) => void;
}

/** Walks an object of unknown content, and records what it cannot inspect. */
function looker(found: PodProblem[]): Looker {
  const note = (field: string, allowed: string): void => {
    if (!found.some((one) => one.field === field)) found.push({ field, allowed });
  };
  const known = (value: unknown, field: string): unknown => {
    if (!Output.isInstance(value) && !(value instanceof Promise)) return value ?? undefined;
    note(field, "a plain value: what is known only later cannot be checked");
    return undefined;
  };
  const field = (of: unknown, key: string, at: string): unknown =>
    typeof of === "object" && of !== null
      ? known((of as Fields)[key], `${at}${key}`)
      : known(undefined, key);
  return {
    object: (of, key, at = "") => {
      const value = field(of, key, at);
      if (value === undefined) return {};
      if (typeof value === "object" && !Array.isArray(value)) return value as Fields;
      note(`${at}${key}`, "an object");
      return {};
    },
    list: (of, key, at = "") => {
      const value = field(of, key, at);
      if (value === undefined) return [];
      if (!Array.isArray(value)) note(`${at}${key}`, "a list");
      const all = Array.isArray(value) ? (value as unknown[]) : [];
      return all.map((one, index) => (known(one, `${at}${key}[${index}]`) ?? {}) as Fields);
    },
    must: (of, at) => (key, holds, allowed) => {
      if (!holds(known(of[key], `${at}${key}`))) note(`${at}${key}`, allowed);
    },
  };
}
