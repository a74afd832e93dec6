import { PolicyPack, type PolicyResourceOptions } from "@pulumi/policy";

import type { FleetResource } from "./resource";
import { resourceRules, stackRules } from "./rules";

interface Analyzed {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Record<string, unknown>;
  readonly opts: PolicyResourceOptions;
}

function fleetResource(resource: Analyzed, dependencies: readonly string[]): FleetResource {
  const { type, name, urn, props, opts } = resource;
  return {
    ...{ type, name, urn, props, dependencies },
    deleteBeforeReplace: opts.deleteBeforeReplace ?? false,
    ignoreChanges: opts.ignoreChanges,
  };
}

/** The rules as a CrossGuard pack: `pulumi preview --policy-pack policy`. All are mandatory unless a pack config says otherwise. */
new PolicyPack("mcp-fleet", {
  enforcementLevel: "mandatory",
  policies: [
    ...resourceRules.map(({ name, description, check }) => ({
      ...{ name, description },
      validateResource: (resource: Analyzed, report: (message: string) => void) =>
        check(fleetResource(resource, [])).forEach((message) => report(message)),
    })),
    ...stackRules.map(({ name, description, check }) => ({
      ...{ name, description },
      validateStack: (
        { resources }: { resources: (Analyzed & { dependencies: Analyzed[] })[] },
        report: (message: string, urn?: string) => void,
      ) => {
        const all = resources.map((resource) =>
          fleetResource(
            resource,
            resource.dependencies.map(({ urn }) => urn),
          ),
        );
        check(all).forEach(({ message, urn }) => report(message, urn));
      },
    })),
  ],
});
