// Generated from the files of servers/: npm run docs
import type { Catalog } from "@mcp-fleet/schema";

import { atlassian } from "./servers/atlassian";
import { chroma } from "./servers/chroma";
import { github } from "./servers/github";
import { googleCloud } from "./servers/google-cloud";
import { googleWorkspace } from "./servers/google-workspace";
import { llmctlMcp } from "./servers/llmctl-mcp";

/** The servers bundled in the application's image, by the key of their database row. */
export const integratedServers: Catalog = {
  "llmctl-mcp": llmctlMcp,
  github,
  atlassian,
  chroma,
  "google-cloud": googleCloud,
  "google-workspace": googleWorkspace,
};
