import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { underLoad } from "../../../lab/load";

describe("the load client", () => {
  it("asks at its rate for as long as the work goes on, and records what failed and when", async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      if (asked === 3) response.writeHead(503).end();
      else if (asked === 5) response.destroy();
      else response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const outcome = await underLoad(url, () => sleep(1000, "done"), { perSecond: 20 });
    server.close();
    assert.equal(outcome.result, "done");
    assert.ok(outcome.requests >= 15 && outcome.requests <= 22, String(outcome.requests));
    assert.equal(asked, outcome.requests);
    assert.deepEqual(
      outcome.failures.map((failure) => failure.error),
      ["status 503", "socket hang up"],
    );
    assert.ok(outcome.failures.every((failure) => !Number.isNaN(Date.parse(failure.at))));
  });

  it("counts a server that does not answer in time, and one that is not there", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const slow = await underLoad(url, () => sleep(50), { perSecond: 20, timeoutSeconds: 0.3 });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    assert.equal(slow.failures.length, slow.requests);
    assert.match(slow.failures[0]?.error ?? "", /no answer within 300 ms/);
    const gone = await underLoad(url, () => sleep(50), { perSecond: 20 });
    assert.match(gone.failures[0]?.error ?? "", /ECONNREFUSED/);
  });

  it("stops asking and passes on the error of the work", async () => {
    await assert.rejects(
      underLoad("http://127.0.0.1:9/", () => Promise.reject(new Error("the work failed"))),
      /the work failed/,
    );
  });
});
