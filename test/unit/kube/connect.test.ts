import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { isUserError, type UserError } from "@mcp-fleet/errors";
import { asking, connectKube, type Kube } from "@mcp-fleet/kube";

/** A kubeconfig with one context, as JSON (which is valid YAML). */
function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: "s3cret-token" } }],
    contexts: [{ name: "lab", context: { cluster: "c", user: "u" } }],
    "current-context": "lab",
  });
}

async function userErrorOf(action: () => Promise<unknown>): Promise<UserError> {
  try {
    await action();
  } catch (error) {
    assert.ok(isUserError(error), String(error));
    return error;
  }
  return assert.fail("nothing was thrown");
}

/** An API server that rejects everything with one status and message. */
async function refusing(
  status: number,
  message: string,
): Promise<{ url: string; close: () => void }> {
  const server = createServer((_req, res) => {
    res.writeHead(status, { "content-type": "application/json" });
    res.end(
      JSON.stringify({
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        message,
        code: status,
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const readJob = (kube: Kube): Promise<unknown> =>
  asking(kube, "read Job tools/x", () =>
    kube.batch.readNamespacedJob({ namespace: "tools", name: "x" }),
  );

describe("kube: reaching the cluster", () => {
  it("names the contexts there are when the wanted one is not among them", async () => {
    const credentials = { kubeconfig: kubeconfig("https://127.0.0.1:1") };
    const error = await userErrorOf(() => connectKube({ context: "prod" }, credentials));
    assert.equal(error.problem, 'The kubeconfig has no context "prod"; it has lab.');
  });

  it("says that a kubeconfig is not there or broken, without quoting it", async () => {
    const missing = await userErrorOf(() => connectKube({}, { kubeconfig: "/no/such/kubeconfig" }));
    assert.match(missing.problem, /^The kubeconfig \/no\/such\/kubeconfig cannot be read: ENOENT/);
    const broken = await userErrorOf(() =>
      connectKube({}, { kubeconfig: "token: s3cret\n  x: [" }),
    );
    assert.equal(
      broken.message,
      "The kubeconfig is not valid YAML or JSON.\nCheck kubernetes:kubeconfig.",
    );
  });

  it("says that the API cannot be reached", async () => {
    const server = await refusing(500, "");
    server.close();
    const kube = await connectKube({}, { kubeconfig: kubeconfig(server.url) });
    const error = await userErrorOf(() => readJob(kube));
    assert.match(
      error.problem,
      /^The Kubernetes API at http:\/\/127\.0\.0\.1:\d+ cannot be reached to read Job tools\/x: ECONNREFUSED\.$/,
    );
  });

  const refusals: [number, RegExp][] = [
    [401, /context "lab" does not accept the kubeconfig's credentials\.$/],
    [403, /context "lab" does not allow us to read Job tools\/x: jobs "x" is forbidden\.$/],
    [404, /context "lab" cannot read Job tools\/x: jobs "x" is forbidden\.$/],
    [500, /could not read Job tools\/x \(HTTP 500\): jobs "x" is forbidden\.$/],
  ];
  for (const [status, problem] of refusals) {
    it(`explains HTTP ${status} of the API`, async () => {
      const server = await refusing(status, 'jobs "x" is forbidden');
      try {
        const kube = await connectKube({ context: "lab" }, { kubeconfig: kubeconfig(server.url) });
        const error = await userErrorOf(() => readJob(kube));
        assert.match(error.problem, problem);
        assert.ok(!error.message.includes("s3cret"));
      } finally {
        server.close();
      }
    });
  }
});
