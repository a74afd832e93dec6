import { z } from "zod";

/** Python code that is served from a ConfigMap: either a directory or files. */
export const code = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "A directory of Python files, from where Pulumi.yaml is.",
      examples: ["servers/clock"],
    }),
  files: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\.py$/, "must be a Python file's name"),
      z.string(),
    )
    .optional()
    .meta({
      description: "The same in the stack file: file name -> text.",
      examples: [
        { "server.py": "from fastmcp import FastMCP\napp = FastMCP('clock').http_app()\n" },
      ],
    }),
  app: z
    .string()
    .regex(/^[A-Za-z_]\w*:[A-Za-z_]\w*$/, "must be <module>:<attribute>, like server:app")
    .default("server:app")
    .meta({
      description: "The ASGI application: module and attribute.",
      examples: ["server:app"],
    }),
});
