import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile, type Problem } from "@mcp-fleet/schema";
import { execa } from "execa";

import { testEngine } from "../support/engine";
import { ScratchBackend } from "../support/scratch-backend";

const alone = `
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }`;
const server = (fields: string): string =>
  `${alone}\n  mcp-fleet:servers: { web: { image: a/b:1, port: 8000, row: false, ${fields} } }`;

/** A configuration with one mistake, and where it is. */
const mistakes: Readonly<Record<string, [string, string]>> = {
  "a number out of range": ["servers.web.port", server("port: 70000").replace("port: 8000, ", "")],
  "an item of a list": [
    "servers.web.egress.to[0].cidr",
    server("egress: { to: [{ cidr: 10.0.0.1 }] }"),
  ],
  "an item of a list in a list": [
    "servers.web.hostAliases[1].ip",
    server("hostAliases: [{ ip: 10.0.0.1, hostnames: [a] }, { ip: x, hostnames: [b] }]"),
  ],
  "an argument, whose example begins with a dash": [
    "servers.web.args[0]",
    server("args: [{ a: b }]"),
  ],
  "a key with slashes and dots": [
    'servers.web.files["/run/key.json"].secret',
    server('files: { "/run/key.json": { secret: UPPER, key: k } }'),
  ],
  "a key that is missing": [
    "namespace",
    "\n  mcp-fleet:cutover: { enabled: false }\n  mcp-fleet:studio: { enabled: false }",
  ],
  "a word of several": ["target", `${alone}\n  mcp-fleet:target: nowhere`],
  "credentials of a server": [
    "serverSecrets.github",
    `${alone}\n  mcp-fleet:servers: { github: { image: a/b:1, row: false } }`,
  ],
  "a credential that a file is made of": [
    "servers.web.files./run/token",
    server("files: { /run/token: TOKEN }"),
  ],
  "secrets of a server that is not there": [
    "serverSecrets.nobody",
    `${alone}\n  mcp-fleet:serverSecrets: { nobody: { TOKEN: { secure: x } } }`,
  ],
  "the address of the database": [
    "databaseUrl",
    "\n  mcp-fleet:namespace: tools\n  mcp-fleet:studio: { enabled: false }\n  mcp-fleet:cutover: { fence: false }",
  ],
};

/** Each fix that is a command, pasted into a shell unchanged, with the real CLI. */
describe("the commands that a refused configuration prints", function () {
  this.timeout(120_000);
  let backend: ScratchBackend;
  const stackFile = (): string => join(backend.directory, "Pulumi.x.yaml");

  before(async function () {
    this.timeout(45 * 60_000);
    backend = new ScratchBackend(await testEngine());
    backend.writeProject();
    const made = await backend.start(backend.directory, ["stack", "init", "x"]);
    assert.equal(made.exitCode, 0, made.all);
  });
  after(() => backend?.remove());

  const problems = (): readonly Problem[] =>
    checkStackFile("Pulumi.x.yaml", readFileSync(stackFile(), "utf8"), integratedServers).problems;

  for (const [what, [place, config]] of Object.entries(mistakes)) {
    it(`mends ${what}`, async () => {
      const salt = /^encryptionsalt: .*$/m.exec(readFileSync(stackFile(), "utf8"))?.[0] ?? "";
      writeFileSync(stackFile(), `${salt}\nconfig:${config}\n`);
      const before = problems();
      const found = before.find(({ path }) => path.startsWith(place));
      assert.ok(found, `not found: ${before.map(({ path }) => path).join(", ")}`);
      const [, command] =
        /(pulumi config (?:set|rm) .*?)(?:; then .*|, as .*)?$/.exec(found.fix) ?? [];
      assert.ok(command, `no command: ${found.fix}`);
      const typed = await execa("bash", ["-c", command], {
        cwd: backend.directory,
        env: backend.env,
        input: "a-value-of-a-secret\n",
        all: true,
        reject: false,
        timeout: 60_000,
      });
      assert.equal(typed.exitCode, 0, `${command}\n${typed.all}`);
      const left = problems().filter(({ path }) => path === found.path);
      assert.deepEqual(left, [], command);
      assert.ok(!readFileSync(stackFile(), "utf8").includes("a-value-of-a-secret"));
    });
  }
});
