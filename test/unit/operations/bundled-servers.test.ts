import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { bundledServers, imageContents, lookScript } from "@mcp-fleet/operations";

describe("what an image holds of the bundled servers", () => {
  it("is looked for by at least one trace of every server of the catalog", () => {
    const traceless = bundledServers.filter(({ traces }) => traces.length === 0);
    assert.deepEqual(traceless, []);
  });

  it("is a script that a shell takes", () => {
    execFileSync("sh", ["-n", "-c", lookScript()]);
  });

  it("is told by server, with the launchers and what may not be read apart", () => {
    const printed = [
      "find: '/root': Permission denied",
      "/app/app/llmctl-mcp/chroma_stdio.py",
      "/app/app/llmctl-mcp/run.py",
      "/opt/venv/lib/python3.11/site-packages/mcp_atlassian-0.23.1.dist-info",
      "/usr/local/bin/npx",
      "/usr/local/lib/node_modules/@google-cloud/gcloud-mcp",
      "looked at every directory",
      "",
    ];
    assert.deepEqual(imageContents(printed.join("\n")), {
      bundled: {
        "llmctl-mcp": ["/app/app/llmctl-mcp/run.py"],
        atlassian: ["/opt/venv/lib/python3.11/site-packages/mcp_atlassian-0.23.1.dist-info"],
        chroma: ["/app/app/llmctl-mcp/chroma_stdio.py"],
        "google-cloud": ["/usr/local/lib/node_modules/@google-cloud/gcloud-mcp"],
      },
      launchers: ["/usr/local/bin/npx"],
      unreadable: ["/root"],
    });
  });

  it("is not known when the look did not come to its end", () => {
    assert.equal(imageContents("/usr/local/bin/mcp-atlassian\n"), undefined);
    assert.equal(imageContents(""), undefined);
  });
});
