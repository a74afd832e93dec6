import assert from "node:assert/strict";
import { mock } from "node:test";

import { sendJson, type StubApi, stubApi } from "../support/api-server";
import { fullStack, runProgram } from "../support/resources";

/** A cluster that gives this answer about every namespace, and allows everything; it contains nothing else. */
const clusterAnswering = (status: number, namespace: object): Promise<StubApi> =>
  stubApi((_request, response, { pathname }) => {
    if (pathname.startsWith("/api/v1/namespaces/")) return sendJson(response, status, namespace);
    const allowed = pathname.endsWith("accessreviews");
    sendJson(response, 200, allowed ? { status: { allowed: true } } : { items: [] });
  });

describe("the stack's namespace", () => {
  let cluster: StubApi | undefined;
  afterEach(() => cluster?.die());

  const run = async (
    status: number,
    namespace: object,
    createNamespace: boolean,
  ): Promise<void> => {
    cluster?.die();
    cluster = await clusterAnswering(status, namespace);
    const plain = { ...fullStack.plain, createNamespace };
    await runProgram({ ...fullStack, plain, kubernetes: { kubeconfig: cluster.kubeconfig } });
  };

  it("has to be there where the stack does not make it", async () => {
    await assert.rejects(
      run(404, { message: "not found" }, false),
      /\[namespace\] The cluster has no namespace llmctl, and createNamespace is false\.\nMake it: kubectl create namespace llmctl/,
    );
    await run(200, { metadata: { name: "llmctl" } }, false);
    await run(404, { message: "not found" }, true);
  });

  it("is no namespace that is being removed", async () => {
    const metadata = { name: "llmctl", deletionTimestamp: "2026-01-01T00:00:00Z" };
    await assert.rejects(run(200, { metadata }, true), /llmctl is being deleted/);
  });

  it("is said not to be seen by a preview that cannot ask", async () => {
    const warn = mock.method(console, "warn", () => undefined);
    try {
      cluster = await clusterAnswering(403, { message: "no" });
      const kubernetes = { kubeconfig: cluster.kubeconfig };
      await runProgram({ ...fullStack, kubernetes }, { preview: true });
    } finally {
      warn.mock.restore();
    }
    const said = warn.mock.calls.map(({ arguments: [text] }) => String(text)).join("\n");
    assert.match(
      said,
      /does not allow us to read the namespace llmctl.*What is there is not known/,
    );
  });
});
