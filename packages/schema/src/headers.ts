import { z } from "zod";

import { objectKey, objectName, variable } from "./fields";

/** Headers that MCP and HTTP clients set themselves, and hop-by-hop headers. */
const ownHeaders = [
  "accept",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
].concat(
  ["expect", "host", "http2-settings", "keep-alive", "last-event-id", "mcp-method", "mcp-name"],
  ["mcp-protocol-version", "mcp-session-id", "proxy-connection", "te", "trailer"],
  ["transfer-encoding", "upgrade"],
);
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be a header's name")
  .refine((name) => !ownHeaders.includes(name.toLowerCase()), "must not be one that clients set");
const headerValue = z
  .string("must be text: put it in quotes")
  .regex(/^([!-~]([ -~]*[!-~])?)?$/, "must be one line of ASCII, without spaces around it")
  .meta({ examples: ["studio"] });

const prefix = z
  .string()
  .regex(/^([!-~][ -~]*)?$/, "must be one line of ASCII, without a space in front")
  .optional()
  .meta({
    description: "Text before the value. Default: nothing.",
    examples: ["Bearer "],
  });

/** A server's headers by name: text, or where the value is stored. */
export const headers = z.record(
  headerName,
  z.union([
    headerValue,
    z.strictObject({
      secret: objectName.meta({
        description: "Name of a Secret that exists in the same namespace.",
        examples: ["tools-token"],
      }),
      key: objectKey.meta({
        description: "The key in it whose value the header has.",
        examples: ["token"],
      }),
      prefix,
    }),
    z.strictObject({
      secretKey: variable.meta({
        description:
          "Key of the server's own Secret: of serverSecrets.<server>, or of the one that secret names.",
        examples: ["MCP_TOKEN"],
      }),
      prefix,
    }),
  ]),
);

/** The value of a header: text, or where it is stored. */
export type HeaderValue = z.output<typeof headers>[string];
