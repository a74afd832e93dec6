import assert from "node:assert/strict";

import { ApiError, asking, ifThere } from "@mcp-fleet/kube";

import { sendJson, stubApi } from "../../support/api-server";

describe("kube: an object that may not be there", () => {
  it("is undefined for 404, by the client's error and by ours; every other error stays", async () => {
    let status = 404;
    const api = await stubApi((_request, response) => sendJson(response, status, { code: status }));
    const kube = await api.kube();
    const read = (): Promise<unknown> => kube.core.readNamespace({ name: "x" });
    const explained = (): Promise<unknown> => asking(kube, "read it", read);
    try {
      assert.equal(await ifThere(read()), undefined);
      assert.equal(await ifThere(explained()), undefined);
      status = 403;
      await assert.rejects(ifThere(read()));
      await assert.rejects(ifThere(explained()), ApiError);
      assert.equal(await ifThere(Promise.resolve("there")), "there");
    } finally {
      api.die();
    }
  });
});
