import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { version } from "@pulumi/pulumi/package.json";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";

import { Children } from "../../../lab/engine/language-host/children";
import { languageHost, triedSdkVersions } from "../../../lab/engine/language-host/service";
import { paths } from "../../../lab/paths";

describe("the language host and the SDK that is installed", () => {
  it("has every method of the SDK's service, and no other", () => {
    const handlers = languageHost(undefined, new Children());
    assert.deepEqual(Object.keys(handlers).sort(), Object.keys(LanguageRuntimeService).sort());
  });

  it("was tried with this version of the SDK", () => {
    assert.ok(
      triedSdkVersions.includes(version),
      `run the engine's tests with @pulumi/pulumi ${version}, then list it in lab/engine/language-host/service.ts`,
    );
  });
});

describe("the processes of the language host", () => {
  it("a process whose call was cancelled is interrupted, and after a stop none is started", async () => {
    const children = new Children();
    const call = new AbortController();
    const waiting = {
      command: process.execPath,
      args: ["-e", "console.log('up'); setInterval(() => undefined, 1000)"],
      ...{ cwd: process.cwd(), env: process.env },
    };
    const output = { stdout: () => call.abort(), stderr: () => undefined };
    assert.deepEqual(await children.run(waiting, output, call.signal), { signal: "SIGINT" });
    await children.stop();
    await assert.rejects(children.run(waiting, output, new AbortController().signal));
  });

  it("the host ends with the CLI that started it", async () => {
    const main = join(paths.projectDir, "dist", "lab", "engine", "language-host", "main.js");
    const host = spawn(process.execPath, [main, "127.0.0.1:1"], {
      stdio: ["pipe", "pipe", "inherit"],
      ...{ timeout: 10_000, killSignal: "SIGKILL" },
    });
    const ended = once(host, "exit");
    const [port] = (await once(host.stdout, "data")) as [Buffer];
    assert.match(port.toString(), /^\d+\n$/);
    host.stdin.end();
    assert.deepEqual(await ended, [0, null]);
  });
});
