import assert from "node:assert/strict";
import { createServer } from "node:net";

import { isUserError } from "@mcp-fleet/errors";
import { parseEndpoints, reach, summaryOf } from "@mcp-fleet/mcp-probe/dist/reach";

describe("mcp-probe reach", function () {
  this.timeout(20_000);

  it("tells an address that takes connections from one that refuses them and one that says nothing", async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const results = await reach([
      { name: "open", host: "127.0.0.1", port },
      { name: "refused", host: "127.0.0.1", port: 1 },
      // A documentation range (RFC 5737): nothing answers there.
      { name: "silent", host: "192.0.2.1", port: 80 },
    ]);
    server.close();
    assert.deepEqual(
      results.map(({ name, reachable }) => [name, reachable]),
      [
        ["open", true],
        ["refused", false],
        ["silent", false],
      ],
    );
    assert.equal(results[0]?.at, `127.0.0.1:${port}`);
  });

  it("counts no address that takes one connection and then no more", async () => {
    const server = createServer((socket) => {
      socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const [result] = await reach([{ name: "late", host: "127.0.0.1", port }]);
    assert.equal(result?.reachable, false);
  });

  it("takes a list of addresses only, and leaves out a Service without one", () => {
    const missing = { name: "headless", host: "None", port: 8000 };
    const there = { name: "there", host: "10.0.0.7", port: 8000 };
    assert.deepEqual(parseEndpoints(JSON.stringify([missing, there])), [there]);
    const many = JSON.stringify(Array.from({ length: 1001 }, () => there));
    for (const bad of ["{", "{}", "[{}]", '[{"name":"a","host":"1.2.3.4","port":0}]', many]) {
      assert.throws(() => parseEndpoints(bad), isUserError, bad.slice(0, 40));
    }
  });

  it("sums up in what a termination message takes", () => {
    const results = Array.from({ length: 400 }, (_, index) => ({
      ...{ name: `server-${index}`, at: "10.0.0.1:80" },
      reachable: index % 2 === 0,
    }));
    assert.ok(Buffer.byteLength(summaryOf(results)) < 4096);
    assert.deepEqual(JSON.parse(summaryOf(results.slice(0, 2))), {
      tried: ["server-0", "server-1"],
      reachable: ["server-0"],
    });
  });
});
