import { messageOf, UserError } from "@mcp-fleet/errors";
import { type RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb";

import { type Children, describeEnd, type Ended, type Output } from "./children";
import { optionEnvironment, runtimeOptions } from "./options";
import { sdkScript } from "./sdk-script";

/** The SDK's exit code for an error that it has already shown. */
const errorShown = 32;

/** The program's output is this process's own, which the CLI shows as information. */
const ownOutput: Output = {
  stdout: (chunk) => void process.stdout.write(chunk),
  stderr: (chunk) => void process.stderr.write(chunk),
};

/** Implements `Run`: one start of the program, for a preview or an update. */
export async function runProgram(
  request: RunRequest,
  engine: string | undefined,
  children: Children,
  cancelled: AbortSignal,
): Promise<RunResponse> {
  try {
    return responseTo(await start(request, engine, children, cancelled));
  } catch (error) {
    return failed(error instanceof Error ? error.message : messageOf(error));
  }
}

function start(
  request: RunRequest,
  engine: string | undefined,
  children: Children,
  cancelled: AbortSignal,
): Promise<Ended> {
  refuseDebugger(request.getAttachDebugger());
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? request.getPwd();
  const options = runtimeOptions(info);
  const flags: [string, string | undefined][] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engine],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info?.getRootDirectory()],
    ["stack", request.getStack()],
    ["pwd", directory],
    ["parallel", String(request.getParallel())],
  ];
  const args = [
    ...options.nodeargs,
    sdkScript("run", directory),
    ...flags.flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() ?? ".",
    ...request.getArgsList(),
  ];
  const env = {
    ...process.env,
    ...optionEnvironment(options),
    ...configEnvironment(request.getConfigMap().toArray(), request.getConfigsecretkeysList()),
  };
  return children.run(
    { command: process.execPath, args, cwd: process.cwd(), env },
    ownOutput,
    cancelled,
  );
}

/** The configuration as environment variables, which other users cannot read, unlike arguments. */
export function configEnvironment(
  config: readonly (readonly [string, string])[],
  secretKeys?: readonly string[],
): NodeJS.ProcessEnv {
  // In the official host's format: older copies of the SDK know no other.
  const values = config.map(([key, value]) => [key.replace(":", ":config:"), value] as const);
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(values)),
    ...(secretKeys === undefined ? {} : { PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys) }),
  };
}

/** @throws UserError for a debugger, which only the official host can start */
export function refuseDebugger(asked: boolean): void {
  if (!asked) return;
  throw new UserError(
    "The lab's language host starts no debugger.",
    'Leave out --attach-debugger, or set `nodeargs: "--inspect-brk"` under runtime.options in Pulumi.yaml.',
  );
}

function responseTo(ended: Ended): RunResponse {
  if ("code" in ended && ended.code === 0) return new RunResponse();
  if ("code" in ended && ended.code === errorShown) return new RunResponse().setBail(true);
  return failed(`the program ${describeEnd(ended)}`);
}

const failed = (message: string): RunResponse => new RunResponse().setError(message);
