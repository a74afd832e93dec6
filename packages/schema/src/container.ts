import { z } from "zod";

import { dnsName, image, mountPath, text } from "./fields";
import { resources } from "./resources";
import { serverEnv } from "./server-env";

/** The default requests and limits of a container. */
export const defaultResources = {
  requests: { cpu: "50m", memory: "128Mi" },
  limits: { cpu: "1", memory: "512Mi" },
};

/** An additional container of the pod, hardened like the server. */
export const container = z.strictObject({
  // Volumes are named after the container.
  name: dnsName
    .max(50, "must have 50 characters at most")
    .refine((name) => name !== "mcp-server", "is the server's own name")
    .meta({ description: "Name of the container in the pod.", examples: ["cloud-sql-proxy"] }),
  image: image.meta({
    description: "The image, pinned by tag or digest.",
    examples: ["gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.0"],
  }),
  command: z
    .array(text)
    .optional()
    .meta({ description: "Replaces the image's entrypoint.", examples: [["/cloud-sql-proxy"]] }),
  args: z
    .array(text)
    .optional()
    .meta({ description: "Replaces the image's command.", examples: [["--port=5432"]] }),
  env: serverEnv.default({}).meta({
    description: "Its own variables; it has none of the server's.",
    examples: [{ LOG_LEVEL: "info" }],
  }),
  resources: resources.default(defaultResources).meta({
    description: "Requests and limits of this container.",
    examples: [{ requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } }],
  }),
  writable: z
    .array(mountPath)
    .default([])
    .meta({
      description: "Directories it writes to besides /tmp; their content has the pod's lifetime.",
      examples: [["/var/cache/proxy"]],
    }),
  mounts: z
    .record(dnsName, mountPath)
    .default({})
    .meta({
      description: "Name of a volume of the server -> where it is in this container.",
      examples: [{ data: "/data" }],
    }),
});

/** An additional container of a server's pod. */
export type ExtraContainer = z.output<typeof container>;
