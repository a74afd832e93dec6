import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { PulumiStack } from "@mcp-fleet/engine";
import { isUserError } from "@mcp-fleet/errors";

import { paths } from "../../lab/paths";
import { testEngine } from "../support/engine";
import { ScratchBackend } from "../support/scratch-backend";

/** `packages/engine` with the real CLI and a program without resources: its effect on a person's stacks and files. */
describe("the driver of a stack", function () {
  this.timeout(3 * 60_000);
  let backend: ScratchBackend;
  let directory: string;
  let stack: PulumiStack;
  const file = (): string => join(directory, "Pulumi.prod.yaml");

  const other = (name: string): PulumiStack =>
    new PulumiStack({ directory, stack: name, command: backend.command, env: backend.env });

  before(async () => {
    backend = new ScratchBackend(await testEngine());
    directory = join(backend.directory, "a project");
    mkdirSync(directory);
    const config = { colour: { type: "string", default: "blue" } };
    const project = { name: "p1", runtime: "nodejs", main: "index.js", config };
    writeFileSync(join(directory, "Pulumi.yaml"), JSON.stringify(project));
    writeFileSync(join(directory, "package.json"), '{ "name": "p1", "private": true }');
    writeFileSync(join(directory, "index.js"), 'require("@pulumi/pulumi");');
    symlinkSync(join(paths.projectDir, "node_modules"), join(directory, "node_modules"));
    for (const name of ["dev", "prod"]) await other(name).create();
    stack = other("prod");
    await other("dev").ask(["stack", "select"]);
  });
  after(() => backend.remove());

  const selected = (): Promise<string> =>
    new PulumiStack({ directory, command: backend.command, env: backend.env }).name();

  it("leaves the stack that a person selected selected", async () => {
    await stack.history();
    await stack.resources();
    await stack.up();
    assert.equal(await selected(), "dev");
  });

  it("configures a fresh stack, and leaves defaults, comments and what stays as they are", async () => {
    await stack.configure({ "p1:plain": { value: { deep: [1, true] }, secret: false } });
    writeFileSync(file(), `# why\n${readFileSync(file(), "utf8")}  p1:number: 1.10 # as written\n`);
    const config = await stack.config();
    await stack.configure({ ...config, "p1:more": { value: "text", secret: false } });
    const text = readFileSync(file(), "utf8");
    assert.match(text, /^# why$/m);
    assert.match(text, /^ +p1:number: 1\.10 # as written$/m);
    assert.doesNotMatch(text, /colour/);
    assert.match(text, /p1:more: text/);
  });

  it("keeps secrets as they are: line ends, JSON as text, and what nobody changed", async () => {
    const pem = "-----BEGIN-----\nabc\n-----END-----\n";
    const json = '{"a":true,"n":12345678901234567890,"list":[],"none":null}';
    const secret = (value: unknown) => ({ value, secret: true });
    const config = {
      ...(await stack.config()),
      "p1:json": secret(json),
      "p1:tokens": secret({ github: { TOKEN: "--x=1", KEY: pem }, "a.b": { C: "é" } }),
    };
    await stack.configure(config);
    const stored = readFileSync(file(), "utf8");
    assert.doesNotMatch(stored, /BEGIN|--x=1|"a":true/);
    const read = await stack.config();
    assert.equal(read["p1:json"]?.value, json);
    assert.deepEqual(read["p1:tokens"]?.value, config["p1:tokens"].value);
    await stack.configure(read);
    assert.equal(readFileSync(file(), "utf8"), stored);
  });

  it("refuses to lose the rest of a secret that was set whole, by its short name too", async () => {
    const before = readFileSync(file(), "utf8");
    writeFileSync(file(), `${before}  whole:\n    secure: v1:AAAA\n`);
    await assert.rejects(
      stack.setSecrets([{ path: ["p1:whole", "github", "NEW"], value: "x" }]),
      /p1:whole was set as a whole/,
    );
    writeFileSync(file(), before);
  });

  it("numbers all updates, however many there are", async () => {
    for (let update = 0; update < 10; update += 1) await stack.up({ message: `update ${update}` });
    const history = await stack.history();
    assert.deepEqual(
      history.map(({ version }) => version),
      Array.from({ length: 11 }, (_, index) => index + 1),
    );
    assert.equal(history.at(-1)?.message, "update 9");
  });

  it("says what a CLI printed that is no answer, without quoting it", async () => {
    const wrapper = join(backend.directory, "wrapped");
    writeFileSync(wrapper, '#!/bin/sh\necho \'using profile hunter2\'\nexec "$REAL" "$@"\n', {
      mode: 0o755,
    });
    const env = { ...backend.env, REAL: backend.command };
    const wrapped = new PulumiStack({ directory, stack: "prod", command: wrapper, env });
    for (const ask of [() => wrapped.config(), () => wrapped.history(), () => wrapped.preview()]) {
      await assert.rejects(ask(), (error: unknown) => {
        assert.ok(isUserError(error), String(error));
        assert.match(error.problem, /^What `pulumi \S.*` printed is no JSON\.$/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
    }
  });

  it("says that the time was over, and that another run holds the stack", async () => {
    const slow = 'require("@pulumi/pulumi"); setTimeout(() => {}, 20_000);';
    writeFileSync(join(directory, "index.js"), slow);
    const first = assert.rejects(
      stack.up({ timeoutSeconds: 8 }),
      /`pulumi up` did not end within 8 seconds, and was canceled/,
    );
    await setTimeout(4000);
    await assert.rejects(other("prod").up(), (error: unknown) => {
      assert.ok(isUserError(error), String(error));
      const where = ` It was started on ${hostname()}.`;
      assert.equal(error.problem, `Another run holds the stack, so nothing was done.${where}`);
      return true;
    });
    await first;
    writeFileSync(join(directory, "index.js"), 'require("@pulumi/pulumi");');
    await stack.up();
  });

  it("says in two sentences which stack there is none of", async () => {
    for (const ask of [() => other("nosuch").resources(), () => other("nosuch").history()]) {
      await assert.rejects(ask(), (error: unknown) => {
        assert.ok(isUserError(error), String(error));
        assert.match(error.problem, /no stack named 'nosuch' found/);
        assert.doesNotMatch(error.message, /code: -2|at .*\.js/);
        return true;
      });
    }
  });
});
