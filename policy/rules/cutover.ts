import { workloadLabel } from "../../components/core";
import { at, type Fields, isKind, isWorkload, namespaceOf, podLabels, selects } from "../object";
import type { FleetResource, ResourceRule, StackRule } from "../resource";

const isCutover = (resource: FleetResource): boolean =>
  resource.type.startsWith("pulumi-nodejs:dynamic/mcp-fleet:") &&
  resource.type.endsWith(":Cutover");

/** Deletes run last, so the removal of a Cutover would restore the rows only after the application went back. */
export const cutoverStays: StackRule = {
  name: "cutover-stays",
  description: "A stack that runs the application holds its Cutover, whatever the target.",
  check: (resources) => {
    if (resources.some(isCutover)) return [];
    return resources
      .filter((one) => isKind(one, "Deployment") && at(podLabels(one), workloadLabel) === "studio")
      .map(({ urn, name }) => ({
        urn,
        message: `the stack runs ${name} without a Cutover; to roll back set target to "embedded" and leave the Cutover in.`,
      }));
  },
};

/** A replacement creates a new one and deletes the old one last; ignored changes keep an old plan or old code. */
export const cutoverNeverReplaced: ResourceRule = {
  name: "cutover-never-replaced",
  description: "The Cutover is only ever updated: no deleteBeforeReplace, no ignoreChanges.",
  check: (resource) => {
    if (!isCutover(resource)) return [];
    const wrong: string[] = [];
    if (resource.deleteBeforeReplace) wrong.push("deleteBeforeReplace");
    if (resource.ignoreChanges.length > 0) wrong.push("ignoreChanges");
    return wrong.map((option) => `the option ${option} is not for a Cutover; remove it.`);
  },
};

/** Without the dependency the rows may point to a server that does not exist yet or any more. */
export const cutoverDependsOnServers: StackRule = {
  name: "cutover-depends-on-servers",
  description:
    "The Cutover depends on the Service and the Deployment or StatefulSet behind every URL it writes.",
  check: (resources) =>
    resources.filter(isCutover).flatMap((cutover) => {
      const waitedFor = new Set(cutover.dependencies);
      return urlsOf(cutover)
        .flatMap((url) => behind(url, resources))
        .filter(({ urn }) => !waitedFor.has(urn))
        .map(({ type, name }) => ({
          urn: cutover.urn,
          message: `the Cutover writes a URL of ${name} and does not depend on its ${type.split(":").at(-1)}; add it to dependsOn.`,
        }));
    }),
};

function urlsOf(cutover: FleetResource): string[] {
  const rows = at(cutover.props, "spec", "rows");
  if (!Array.isArray(rows)) return [];
  return rows.map((row) => at(row, "url")).filter((url) => typeof url === "string");
}

/** The workloads behind the Service in a cluster-internal URL. Foreign Services have none here. */
function behind(url: string, resources: readonly FleetResource[]): FleetResource[] {
  const [name, namespace] = new URL(url).hostname.split(".");
  const services = resources.filter(
    (one) =>
      isKind(one, "Service") &&
      at(one.props, "metadata", "name") === name &&
      namespaceOf(one) === namespace,
  );
  return services.flatMap((service) => {
    const selector = at(service.props, "spec", "selector") as Fields | undefined;
    if (selector === undefined) return [service];
    const workloads = resources.filter(
      (one) =>
        isWorkload(one) && namespaceOf(one) === namespace && selects(selector, podLabels(one)),
    );
    return [service, ...workloads];
  });
}
