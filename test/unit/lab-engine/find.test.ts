import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { findEngine, type Means } from "../../../lab/engine/find";
import { neededPlugins } from "../../../lab/engine/plugins";
import { silentLog } from "../../../lab/log";

/** A command that answers two questions as the CLI does. */
function fakeCli(directory: string, version: string, plugins: readonly object[]): string {
  const file = join(directory, "pulumi");
  writeFileSync(
    file,
    `#!/bin/sh\nif [ "$1" = version ]; then echo ${version}; else echo '${JSON.stringify(plugins)}'; fi\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

describe("the engine of the lab", () => {
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-find-"));
  const { PATH, MCP_FLEET_PULUMI } = process.env;
  const all = neededPlugins().map((plugin) => ({ ...plugin, kind: "resource" }));

  beforeEach(() => {
    // Without a Pulumi of this machine.
    process.env.PATH = [directory, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
    delete process.env.MCP_FLEET_PULUMI;
    rmSync(join(directory, "pulumi"), { force: true });
  });
  after(() => {
    process.env.PATH = PATH;
    if (MCP_FLEET_PULUMI === undefined) delete process.env.MCP_FLEET_PULUMI;
    else process.env.MCP_FLEET_PULUMI = MCP_FLEET_PULUMI;
    rmSync(directory, { recursive: true });
  });

  const means = (internet: boolean): Means => {
    const other = mkdtempSync(join(directory, "other-"));
    const command = fakeCli(other, "v9.9.9", []);
    return {
      internetAnswers: () => Promise.resolve(internet),
      download: () => Promise.resolve(command),
      build: () => Promise.resolve({ command, home: other }),
    };
  };
  const found = async (internet: boolean): Promise<string> => {
    const { version, from } = await findEngine(silentLog, means(internet));
    return `${version} ${from}`;
  };

  it("is the CLI on PATH with the plugins that the program needs", async () => {
    fakeCli(directory, "v3.999.0", all);
    assert.equal(await found(false), "v3.999.0 the one on PATH");
  });

  it("is the CLI on PATH without them where it can fetch them, and not elsewhere", async () => {
    fakeCli(directory, "v3.999.0", all.slice(1));
    assert.equal(await found(true), "v3.999.0 the one on PATH");
    assert.match(await found(false), /^v9\.9\.9 built from its Go modules/);
  });

  it("is no CLI that is too old, or that is none", async () => {
    for (const version of ["v3.111.0", "hello", "3.999"]) {
      fakeCli(directory, version, all);
      assert.match(await found(false), /^v9\.9\.9 built from its Go modules/, version);
    }
    writeFileSync(join(directory, "pulumi"), "#!/bin/sh\necho v3.999.0\n", { mode: 0o755 });
    assert.match(await found(false), /^v9\.9\.9 built from its Go modules/);
  });

  it("is the npm package where the internet answers, else built", async () => {
    assert.equal(await found(true), "v9.9.9 the npm package pulumi");
    assert.match(await found(false), /^v9\.9\.9 built from its Go modules/);
  });

  it("is the one that MCP_FLEET_PULUMI names, or an error in two sentences", async () => {
    fakeCli(directory, "v3.999.0", all);
    process.env.MCP_FLEET_PULUMI = fakeCli(mkdtempSync(join(directory, "named-")), "v3.261.0", []);
    assert.equal(await found(false), "v3.261.0 named by MCP_FLEET_PULUMI");
    process.env.MCP_FLEET_PULUMI = "build";
    assert.match(await found(true), /^v9\.9\.9 built from/);
    process.env.MCP_FLEET_PULUMI = join(directory, "nothing");
    await assert.rejects(found(false), /MCP_FLEET_PULUMI names does not run[^]*\nSet it to/);
  });
});
