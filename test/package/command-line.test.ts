import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { execa } from "execa";

const root = join(__dirname, "..", "..", "..");

/** What `npm pack --json` says of a tarball; sizes in bytes. */
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** `npx mcp-fleet` as somebody has it who installed the package, in a project that knows nothing of this one. */
describe("the command line as a package", function () {
  this.timeout(3 * 60_000);
  let directory: string;
  let packed: Packed;

  interface Ended {
    readonly exitCode?: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  /** Runs a command in the project, with this Node.js and no kubeconfig of this machine. */
  const inProject = (command: string, ...args: string[]): Promise<Ended> =>
    inProjectWith({}, command, ...args);

  async function inProjectWith(
    env: Readonly<Record<string, string>>,
    command: string,
    ...args: string[]
  ): Promise<Ended> {
    return execa(command, args, {
      ...{ cwd: directory, reject: false, stdin: "ignore", timeout: 120_000 },
      env: {
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
        KUBECONFIG: "",
        ...env,
      },
    });
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-package-"));
    writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true }));
    const pack = ["pack", join(root, "cli"), "--pack-destination", directory, "--json"];
    const { stdout, stderr, exitCode } = await inProject("npm", ...pack);
    assert.equal(exitCode, 0, stderr);
    [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [Packed];
    const quiet = ["--no-audit", "--no-fund", "--offline"];
    const installed = await inProject("npm", "install", ...quiet, join(directory, packed.filename));
    assert.equal(installed.exitCode, 0, installed.stderr);
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("is one program with its licenses, and small enough to be fetched by npx", () => {
    assert.deepEqual(packed.files.map(({ path }) => path).sort(), [
      ...["LICENSE", "README.md", "bin.cjs", "compile-cache.cjs", "dist/LICENSES"],
      ...["dist/mcp-fleet.cjs", "package.json"],
    ]);
    assert.ok(packed.size < 2_000_000, `${packed.size} bytes`);
    const licenses = readFileSync(join(directory, "node_modules/mcp-fleet/dist/LICENSES"), "utf8");
    assert.match(licenses, /^@kubernetes\/client-node \S+ \(Apache-2\.0\)$/m);
  });

  it("runs by npx, with the version of this project", async () => {
    const help = await inProject("npx", "--offline", "mcp-fleet", "--help");
    assert.equal(help.exitCode, 0, help.stderr);
    assert.match(help.stdout, /^Usage: mcp-fleet \[options\] \[command\]/);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    const asked = await inProject("npx", "--offline", "mcp-fleet", "--version");
    assert.equal(asked.stdout, version);
  });

  it("says in two sentences what is wrong with a kubeconfig", async () => {
    const list = ["--offline", "mcp-fleet", "list", "--kubeconfig", "broken"];
    writeFileSync(join(directory, "broken"), "token: s3cret\n  x: [");
    const { exitCode, stdout, stderr } = await inProject("npx", ...list);
    assert.equal(exitCode, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^The kubeconfig is not valid YAML or JSON\.\nCheck --kubeconfig[^\n]*\n?$/,
    );
  });

  it("says where there is no lab, and which project has no Pulumi", async () => {
    const drift = ["--offline", "mcp-fleet", "drift"];
    const cache = { MCP_FLEET_CACHE: join(directory, "cache") };
    const lab = await inProjectWith(cache, "npx", ...drift, "--lab");
    assert.equal(lab.exitCode, 3);
    assert.equal(lab.stderr, "There is no lab on this machine.\nStart it with make up.");
    writeFileSync(join(directory, "Pulumi.yaml"), "name: other\nruntime: nodejs\n");
    const other = await inProjectWith(cache, "npx", ...drift, "--stack", "dev");
    assert.equal(other.exitCode, 1);
    assert.match(
      other.stderr,
      /^The project in .* has no @pulumi\/pulumi, by which its stack is read\.\nInstall/,
    );
  });
});
