import {
  agent,
  clusterRanges,
  dns,
  dnsName,
  givenStorage,
  port,
  registry,
} from "@mcp-fleet/schema";
import { stringify } from "yaml";
import { z } from "zod";

import { agentDefinitionObject } from "../../components/mesh";

/** What a chart's values hold beside the stack's own keys. */
const common = {
  application: dnsName,
  consumers: z.array(
    z.strictObject({ name: z.string().optional(), labels: z.record(z.string(), z.string()) }),
  ),
  imagePullSecrets: z.array(dnsName),
  networkPolicy: z.boolean(),
  /** Where pods ask for names. */
  dns: dns.optional(),
  /** Helm hands a chart inside of another one its globals. */
  global: z.record(z.string(), z.unknown()).optional(),
};

const values = {
  // The release's name is the registry's.
  "mcp-registry": registry
    .omit({ name: true })
    .extend({ ...common, storage: givenStorage.prefault({ sqlite: { size: "1Gi" } }) }),
  "mcp-agent": agent.extend({
    ...common,
    clusterRanges: clusterRanges.optional(),
    registry: z.strictObject({ name: dnsName, port }),
  }),
};

/** What of the charts is generated, by path: the schema of their values, and the definition of MCPAgent objects. */
export const chartFiles: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    Object.entries(values).map(([chart, schema]) => [
      `charts/${chart}/values.schema.json`,
      () => `${JSON.stringify(z.toJSONSchema(schema, { io: "input" }), null, 2)}\n`,
    ]),
  ),
  "charts/mcp-registry/crds/mcpagents.yaml": () =>
    stringify(agentDefinitionObject, { lineWidth: 0, aliasDuplicateObjects: false }),
};
