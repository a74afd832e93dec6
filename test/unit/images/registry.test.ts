import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { askRegistry, loginsIn, parseImage } from "@mcp-fleet/images";

import { freePort } from "../../support/port";

const login = { username: "robot", password: "pull-secret" };
const basic = `Basic ${Buffer.from("robot:pull-secret").toString("base64")}`;

/** A registry by the distribution specification, with a token service. */
describe("an image registry", () => {
  let server: Server;
  let host: string;
  const asked: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      const { method, url = "", headers } = request;
      asked.push(`${method} ${url}`);
      if (url.startsWith("/token")) {
        const may = headers.authorization === basic;
        response.writeHead(may ? 200 : 401).end(JSON.stringify({ token: "t0ken" }));
      } else if (url.startsWith("/v2/open/") || headers.authorization === "Bearer t0ken") {
        response.writeHead(url.endsWith("/1.0.0") ? 200 : 404).end();
      } else {
        const challenge = `Bearer realm="http://${host}/token",service="reg",scope="repository:a:pull"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const state = async (image: string, as?: typeof login): Promise<string> =>
    (await askRegistry(parseImage(`${host}/${image}`), as)).state;

  it("is asked by HEAD, with the pull secret's login where it wants one", async () => {
    asked.length = 0;
    assert.equal(await state("open/x:1.0.0"), "there");
    assert.deepEqual(asked, ["HEAD /v2/open/x/manifests/1.0.0"]);
    assert.equal(await state("open/x:2.0.0"), "missing");
    assert.equal(await state("closed/x:1.0.0"), "denied");
    assert.equal(await state("closed/x:1.0.0", login), "there");
    assert.equal(await state("closed/x:2.0.0", login), "missing");
    assert.equal(await state("closed/x:1.0.0", { ...login, password: "wrong" }), "denied");
    assert.ok(asked.some((one) => one.startsWith("GET /token?service=reg&scope=repository")));
  });

  it("that does not answer is no answer", async () => {
    const { state: seen, why } = await askRegistry(parseImage(`127.0.0.1:${await freePort()}/x:1`));
    assert.deepEqual([seen, why], ["unreachable", "ECONNREFUSED"]);
  });

  it("is found in a reference as container engines find it", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const cases: [string, [string, string, string]][] = [
      ["postgres", ["registry-1.docker.io", "library/postgres", "latest"]],
      ["docker.io/mcp/x:1", ["registry-1.docker.io", "mcp/x", "1"]],
      ["harbor.example.com/a/b/c:1.2", ["harbor.example.com", "a/b/c", "1.2"]],
      [`localhost:5000/x:1@${digest}`, ["localhost:5000", "x", digest]],
      ["mcp-fleet.local/github:abc", ["mcp-fleet.local", "github", "abc"]],
    ];
    for (const [image, [registry, repository, reference]] of cases)
      assert.deepEqual(parseImage(image), { registry, repository, reference }, image);
  });

  it("has its login in a pull secret, in either form", () => {
    const auth = Buffer.from("robot:pull:secret").toString("base64");
    const text = JSON.stringify({
      auths: { "https://index.docker.io/v1/": login, "harbor.example.com": { auth } },
    });
    assert.deepEqual(
      [...loginsIn(text)],
      [
        ["registry-1.docker.io", login],
        ["harbor.example.com", { username: "robot", password: "pull:secret" }],
      ],
    );
    assert.throws(() => loginsIn("[".repeat(100)), /nested deeper/);
  });
});
