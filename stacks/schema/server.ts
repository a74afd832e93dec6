import { z } from "zod";

import {
  absolutePath,
  dnsName,
  mcpPath,
  port,
  probes,
  replicas,
  resources,
  seconds,
  serverEnv,
} from "./common";
import { egress, operations } from "./operations";
import { secret } from "./secret";

const row = z.strictObject({
  /** Key of the server's row. @default the server's own key */
  key: z.string().min(1).optional(),
  /** The path in the URL that the row gets, where it is another than the server's; both are probed. @default the server's path */
  path: mcpPath.optional(),
  /** `url`: the application may write another path on the same server, which is neither drift nor a conflict then. */
  applicationOwns: z.array(z.literal("url")).optional(),
  /** Keys of the old document that stay in the new one. */
  keep: z.union([z.literal("all"), z.array(z.string())]).optional(),
  /** Other columns written with the row. */
  set: z.record(z.string(), z.string().nullable()).optional(),
  aliases: z.array(z.string().min(1)).optional(),
  seed: z
    .strictObject({
      /** SQL that returns a row when the application has settings for the server. */
      condition: z.string().optional(),
      values: z.record(z.string(), z.string()),
    })
    .optional(),
});

/** Python code that is served out of a ConfigMap. */
const code = z.strictObject({
  /** A directory of Python files, from where Pulumi.yaml is. */
  directory: z.string().min(1).optional(),
  /** The same in the stack file: file name -> text. */
  files: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\.py$/, "must be a Python file's name"),
      z.string(),
    )
    .optional(),
  /** The ASGI application. @default "server:app" */
  app: z
    .string()
    .regex(/^[A-Za-z_]\w*:[A-Za-z_]\w*$/, "must be <module>:<attribute>, like server:app")
    .optional(),
});

/** What a stack may say about one server; every key is optional for a server of the catalog. */
export const serverSchema = z.strictObject({
  enabled: z.boolean().optional(),
  image: z.string().min(1).optional(),
  source: z.enum(["image", "bridge", "code", "shared"]).optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  stdio: z.string().min(1).optional(),
  code: code.optional(),
  name: dnsName.optional(),
  port: port.optional(),
  path: mcpPath.optional(),
  health: z.union([z.literal("tcp"), absolutePath]).optional(),
  startSeconds: seconds.optional(),
  /** How long one request of the probe with its answer may take, in seconds. @default startSeconds */
  requestSeconds: seconds.optional(),
  rolloutSeconds: z.int().positive().optional(),
  /** Timings of the probes, for a server that is known to be slow or quick. */
  probes: probes.optional(),
  /** Text, `{secret, key}` or `{configMap, key}`; text may hold `$(NAME)` of another one. */
  env: serverEnv.optional(),
  /** A Secret that exists already, by name, or one that an operator makes; all its keys become variables. */
  secret: secret.optional(),
  /** Rolls the pods when it changes, for such a Secret. */
  secretVersion: z
    .union([z.string().min(1), z.number()])
    .transform(String)
    .optional(),
  /** Keys of that Secret, for the comparison with the credentials in the old row. */
  secretKeys: z.array(z.string()).optional(),
  /** Absolute path -> key of the server's secrets, for a credential that is read from a file. */
  files: z.record(absolutePath, z.string().min(1)).optional(),
  replicas: replicas.optional(),
  session: z.enum(["stateless", "stateful"]).optional(),
  auth: z.enum(["none", "per-request"]).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  requiredTools: z.array(z.string()).optional(),
  minTools: z.int().min(0).optional(),
  resources: resources.optional(),
  writable: z.array(absolutePath).optional(),
  egress: egress.optional(),
  /** Whether it reads the application's database, and so may connect to it. @default as in the catalog */
  database: z.boolean().optional(),
  ...operations,
  imagePullSecrets: z.array(dnsName).optional(),
  /** `false`: the server has no row in the application's table. */
  row: z.union([z.literal(false), row]).optional(),
});

/** One server as the stack's configuration gives it. */
export type ServerSettings = z.infer<typeof serverSchema>;
