import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { start, stop } from "../../../lab/database/server";
import { eventually } from "../../support/eventually";
import { queryAt, scratchServer } from "../../support/postgres";

/** A second address of this machine, if it has one by default: PostgreSQL then runs without the first. */
const listen = process.platform === "linux" ? ["127.0.0.2"] : [];

describe("the lab's PostgreSQL and a port that is taken while it starts", function () {
  this.timeout(120_000);

  it("waits until it listens on every address", async () => {
    const server = await scratchServer();
    const { dir, port } = server.options;
    const other = createServer((socket) => socket.destroy());
    try {
      await stop(dir);
      await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
      const started = start({ ...server.options, listen });
      const log = (): string => readFileSync(join(dir, "server.log"), "utf8");
      const refused = /could not create (listen|any TCP\/IP) socket/;
      await eventually("it cannot listen", () => Promise.resolve(refused.test(log())));
      await new Promise((resolve) => other.close(resolve));
      await started;
      assert.deepEqual(await queryAt(server.url, "select 1 as one"), [{ one: 1 }]);
    } finally {
      other.close();
      await server.stop();
    }
  });
});
