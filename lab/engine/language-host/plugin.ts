import type { ServerWritableStream } from "@grpc/grpc-js";
import { type RunPluginRequest, RunPluginResponse } from "@pulumi/pulumi/proto/language_pb";

import type { Children, Ended, Output } from "./children";
import { optionEnvironment, runtimeOptions } from "./options";
import { PolicyProxy } from "./policy-proxy";
import { refuseDebugger } from "./run";
import { sdkScript } from "./sdk-script";

/** A policy pack; every other kind is a plugin with a provider. */
const policyPack = "analyzer";

type Call = ServerWritableStream<RunPluginRequest, RunPluginResponse>;

/**
 * Implements `RunPlugin`: starts a policy pack or a plugin written for Node.js, passes on its output, and
 * reports its exit code.
 */
export async function runPlugin(
  call: Call,
  children: Children,
  cancelled: AbortSignal,
): Promise<void> {
  const request = call.request;
  const info = request.getInfo();
  refuseDebugger(request.getAttachDebugger());
  const directory = info?.getProgramDirectory() ?? request.getProgram();
  const options = runtimeOptions(info);
  const isPolicyPack = request.getKind() === policyPack;
  const script = sdkScript(isPolicyPack ? "run-policy-pack" : "run-plugin", directory);
  const output: Output = {
    stdout: (chunk) => void call.write(new RunPluginResponse().setStdout(chunk)),
    stderr: (chunk) => void call.write(new RunPluginResponse().setStderr(chunk)),
  };
  const own = request.getArgsList();
  const env = { ...environmentOf(request.getEnvList()), ...optionEnvironment(options) };
  const run = (more: NodeJS.ProcessEnv, to: Output): Promise<Ended> =>
    children.run(
      {
        command: process.execPath,
        args: [
          ...options.nodeargs,
          script,
          ...(isPolicyPack ? [...own, directory] : [directory, ...own]),
        ],
        cwd: isPolicyPack ? directory : request.getPwd(),
        env: { ...env, ...more },
      },
      to,
      cancelled,
    );
  const ended = isPolicyPack
    ? await new PolicyProxy(output, cancelled).serve(run)
    : await run({}, output);
  call.write(new RunPluginResponse().setExitcode("code" in ended ? ended.code : 1));
  call.end();
}

/** The environment from a list of `NAME=value`; later entries override earlier ones. */
function environmentOf(list: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    list.map((item) => {
      const end = item.indexOf("=");
      return [item.slice(0, end), item.slice(end + 1)];
    }),
  );
}
