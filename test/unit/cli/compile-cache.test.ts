import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { execa } from "execa";

/** The first lines of programs that keep compiled code. */
const entries = ["bin/mcp-fleet.cjs", "cli/bin.cjs", "program.cjs"];
const nobody = 65534;

describe("compiled code that is kept (issue 16, item 1)", () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-cache-"));
    for (const name of ["home", "shared"]) mkdirSync(join(scratch, name));
    chmodSync(join(scratch, "shared"), 0o1777);
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  /** Where a Node.js that ran this code stores compiled code; the machine's own settings are ignored. */
  async function cacheOf(code: string, cache?: string): Promise<string> {
    const show = 'console.log(String(require("node:module").getCompileCacheDir()))';
    const { stdout } = await execa(process.execPath, ["-e", `${code};${show};process.exit()`], {
      env: {
        HOME: join(scratch, "home"),
        TMPDIR: join(scratch, "shared"),
        ...(cache === undefined ? {} : { MCP_FLEET_CACHE: cache }),
        PATH: process.env.PATH ?? "",
      },
      extendEnv: false,
      stdin: "ignore",
      timeout: 60_000,
    });
    return stdout.split("\n").at(-1) ?? "";
  }
  const keep = `require(${JSON.stringify(resolve("cli/compile-cache.cjs"))}).keepCompiledCode()`;

  for (const entry of entries) {
    it(`is the user's own, and nothing is in the machine's shared directory: ${entry}`, async () => {
      // What runs after the switch does not matter here, and the packed command is not built.
      const path = resolve(entry);
      const code = `process.argv.push("--version"); try { require(${JSON.stringify(path)}) } catch {}`;
      const directory = join(scratch, "home", ".cache", "mcp-fleet", "compile");
      const kept = await cacheOf(code.replace('"--version"', '"-", "--version"'));
      assert.ok(kept.startsWith(directory), kept);
      assert.equal(statSync(directory).mode & 0o777, 0o700);
      assert.deepEqual(readdirSync(join(scratch, "shared")), []);
    });
  }

  it("is not kept where others could have put it", async () => {
    const cache = join(scratch, "cache");
    const directory = join(cache, "compile");
    const attacks: Record<string, () => void> = {
      "a directory that the group may write to": () => {
        mkdirSync(directory, { recursive: true });
        chmodSync(directory, 0o770);
      },
      "one that others may read": () => {
        mkdirSync(directory, { recursive: true, mode: 0o755 });
      },
      "a link to another place": () => {
        mkdirSync(join(scratch, "theirs"), { mode: 0o700 });
        mkdirSync(cache);
        symlinkSync(join(scratch, "theirs"), directory);
      },
      "a place in which everybody may put another": () => {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        chmodSync(cache, 0o777);
      },
    };
    for (const [what, prepare] of Object.entries(attacks)) {
      prepare();
      assert.equal(await cacheOf(keep, cache), "undefined", what);
      rmSync(cache, { recursive: true, force: true });
      rmSync(join(scratch, "theirs"), { recursive: true, force: true });
    }
    assert.match(await cacheOf(keep, cache), /compile/);
  });

  it("is not kept where another user owns the directory, or the one above", async function () {
    if (process.getuid?.() !== 0) {
      process.stdout.write("    skipped: only root can give a directory to another user\n");
      this.skip();
    }
    for (const owned of ["cache/compile", "cache"]) {
      mkdirSync(join(scratch, "cache", "compile"), { recursive: true, mode: 0o700 });
      chownSync(join(scratch, owned), nobody, nobody);
      assert.equal(await cacheOf(keep, join(scratch, "cache")), "undefined", owned);
      rmSync(join(scratch, "cache"), { recursive: true });
    }
  });

  it("is the user's own for what make starts too: npm, the compiler, the lab", async () => {
    const show = "show:\n\t@echo $$NODE_COMPILE_CACHE $$NODE_DISABLE_COMPILE_CACHE";
    const asked = async (cache: string): Promise<string> => {
      const { stdout } = await execa("make", ["-s", "-f", "Makefile", "-f", "-", "show"], {
        env: { PATH: process.env.PATH ?? "", HOME: join(scratch, "home"), MCP_FLEET_CACHE: cache },
        extendEnv: false,
        input: `${show}\n`,
      });
      return stdout.trim();
    };
    assert.equal(await asked(join(scratch, "cache")), join(scratch, "cache", "compile"));
    chmodSync(join(scratch, "cache"), 0o777);
    assert.equal(await asked(join(scratch, "cache")), "1");
  });

  it("is switched on nowhere else", async () => {
    const found = await execa("git", [
      ...["grep", "-l", "--untracked", "enableCompileCache"],
      ...["--", ":!test", ":!docs", ":!*.md"],
    ]);
    assert.deepEqual(found.stdout.split("\n"), ["cli/compile-cache.cjs"]);
  });
});
