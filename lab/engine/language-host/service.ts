import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceError,
} from "@grpc/grpc-js";
import { messageOf } from "@mcp-fleet/errors";
import { version as sdkVersion } from "@pulumi/pulumi/package.json";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb";
import {
  GetProgramDependenciesResponse,
  GetRequiredPackagesResponse,
  GetRequiredPluginsResponse,
  LanguageHandshakeResponse,
  RuntimeOptionsResponse,
  TemplateResponse,
} from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";

import { Empty, grpc } from "../grpc/sdk";
import { about } from "./about";
import type { Children } from "./children";
import { installDependencies, programDependencies } from "./dependencies";
import { runPlugin } from "./plugin";
import { runProgram } from "./run";

/** Tested versions of the SDK. Another one needs a run of the engine's tests first. */
export const triedSdkVersions: readonly string[] = ["3.270.0"];

/**
 * The language host for Node.js: what the Pulumi CLI asks of `pulumi-language-nodejs`.
 *
 * @param engine address of the engine, as the CLI gave it in the arguments
 */
export function languageHost(
  engine: string | undefined,
  children: Children,
): ILanguageRuntimeServer {
  let engineAddress = engine;
  return {
    handshake: unary((request) => {
      engineAddress = request.getEngineAddress();
      return new LanguageHandshakeResponse();
    }),
    // Nothing is named here. The CLI tries five times to download each plugin that is named and that it does not
    // have, in every command, and this host is used where nothing can be downloaded. node_modules names packages
    // that a stack may never use: only `database.manage` needs postgresql. The CLI finds a plugin as well when the
    // program first makes a resource with it.
    getRequiredPlugins: unary(() => new GetRequiredPluginsResponse()),
    getRequiredPackages: unary(() => new GetRequiredPackagesResponse()),
    run: unary((request, cancelled) => runProgram(request, engineAddress, children, cancelled)),
    getPluginInfo: unary(() => new PluginInfo().setVersion(sdkVersion)),
    installDependencies: streaming((call, cancelled) =>
      installDependencies(call, children, cancelled),
    ),
    // The questions of `pulumi new`: none, the defaults apply.
    runtimeOptionsPrompts: unary(() => new RuntimeOptionsResponse()),
    // Files that `pulumi new` writes in addition to its template: none.
    template: unary(() => new TemplateResponse()),
    about: unary((request) => about(request.getInfo())),
    getProgramDependencies: unary((request) => {
      const list = programDependencies(request.getInfo(), request.getTransitivedependencies());
      return new GetProgramDependenciesResponse().setDependenciesList(list);
    }),
    runPlugin: streaming((call, cancelled) => runPlugin(call, children, cancelled)),
    generateProgram: missing("writes no program"),
    generateProject: missing("writes no project"),
    generatePackage: missing("writes no SDK"),
    pack: missing("packs no SDK"),
    link: missing("links no SDK"),
    cancel: unary(async () => {
      await children.stop();
      return new Empty();
    }),
  };
}

/** A method with one answer. Its signal aborts when the CLI no longer waits. */
function unary<Request, Response>(
  work: (request: Request, cancelled: AbortSignal) => Response | Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
    const abort = new AbortController();
    call.on("cancelled", () => abort.abort());
    Promise.resolve()
      .then(() => work(call.request, abort.signal))
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(asStatus(error)),
      );
  };
}

/** A method with a stream of answers. */
function streaming<Request, Response>(
  work: (call: ServerWritableStream<Request, Response>, cancelled: AbortSignal) => Promise<void>,
) {
  return (call: ServerWritableStream<Request, Response>): void => {
    const abort = new AbortController();
    call.on("cancelled", () => abort.abort());
    work(call, abort.signal).catch((error: unknown) => call.emit("error", asStatus(error)));
  };
}

/** A method for commands that generate code; they need the official host. */
function missing(what: string) {
  return (_call: unknown, answer: (error: Partial<ServiceError>) => void): void =>
    answer({
      code: grpc.status.UNIMPLEMENTED,
      details: `The lab's language host ${what}.\nInstall the official Pulumi CLI for this command.`,
    });
}

function asStatus(error: unknown): Partial<ServiceError> {
  const details = error instanceof Error ? error.message : messageOf(error);
  return { code: grpc.status.UNKNOWN, details };
}
