import { labConfig, labServers } from "../../lab/config";
import type { Lab } from "../../lab/session";
import { labStack } from "./lab-stack";
import { legacyDatabase } from "./legacy-database";

/** A second stack of the lab's project, in a namespace and a database of its own; previewed and never made. */
export interface SecondStack {
  readonly name: string;
  /** Where the command line finds both stacks. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** The image that its GitHub server has. */
  readonly image: string;
}

/** Makes the stack's configuration, and its database with the legacy rows. */
export async function secondStack(lab: Lab): Promise<SecondStack> {
  const name = "prod";
  const namespace = "llmctl-prod";
  const image = "registry.example.com/llmctl-mcp-github:1.0.0";
  const facts = {
    ...lab.facts,
    databaseUrl: (await legacyDatabase(lab.database, "prod")).of(lab.database.cutoverUrl),
  };
  const servers = labServers(facts.images);
  const config = labConfig(facts, "in-cluster", {
    namespace,
    createNamespace: true,
    allowed: { contexts: [facts.context], namespaces: [namespace] },
    servers: { ...servers, github: { ...servers.github, image } },
  });
  const stack = await labStack(name, lab.cluster.kubeconfig, config);
  return {
    name: await stack.name(),
    image,
    directory: stack.directory,
    env: stack.place.env ?? {},
  };
}
