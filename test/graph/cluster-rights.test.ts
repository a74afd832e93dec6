import assert from "node:assert/strict";
import { text } from "node:stream/consumers";

import { madeKinds } from "../../stacks/cluster-rights";
import { loadConfig } from "../../stacks/config";
import { sendJson, type StubApi, stubApi } from "../support/api-server";
import { Recorder } from "../support/mocks";
import { fullStack, runProgram, setConfig } from "../support/resources";
import { exampleStacks, recordStack } from "../support/stack-file";

describe("what an update does in its cluster, as the program knows it", () => {
  for (const stack of ["dev", "prod", ...exampleStacks])
    it(`is of the kinds that are registered: ${stack}`, async () => {
      const recorder = await recordStack(stack);
      const registered = recorder.resources.flatMap(({ type }) => {
        const [, version = "", kind = ""] =
          /^kubernetes:(?:core\/)?([^:]+):([^:]+)$/.exec(type) ?? [];
        return kind === "" ? [] : [`${version} ${kind}`];
      });
      const known = madeKinds(await loadConfig()).map(
        ({ apiVersion, kind }) => `${apiVersion} ${kind}`,
      );
      assert.deepEqual([...new Set(known)].sort(), [...new Set(registered)].sort());
    });

  describe("in a cluster that does not allow it", () => {
    let api: StubApi | undefined;
    afterEach(() => api?.die());

    /** Allows everything except creating Deployments. */
    async function cluster(): Promise<{ kubeconfig: string }> {
      api = await stubApi((request, response, { pathname }) => {
        void text(request).then((body) => {
          if (!pathname.endsWith("/selfsubjectaccessreviews"))
            return sendJson(response, 404, { message: "not found" });
          const denied = body.includes('"create"') && body.includes('"deployments"');
          sendJson(response, 201, { status: { allowed: !denied } });
        });
      });
      return { kubeconfig: api.kubeconfig };
    }

    it("an update is refused before anything is made", async () => {
      const kubernetes = await cluster();
      const recorder = await Recorder.install();
      setConfig({ ...fullStack, kubernetes });
      const program = (await import("../../index.js")).default;
      await assert.rejects(
        program(),
        /may not create deployments\.apps in namespace llmctl\.\nHave an administrator[^]*kubectl create role/,
      );
      assert.deepEqual(recorder.resources, []);
    });

    it("a preview goes on", async () => {
      const kubernetes = await cluster();
      const { recorder } = await runProgram({ ...fullStack, kubernetes }, { preview: true });
      assert.ok(recorder.of("kubernetes:apps/v1:Deployment").length > 0);
    });
  });
});
