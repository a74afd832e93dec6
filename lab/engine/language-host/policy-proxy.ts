import { setTimeout as sleep } from "node:timers/promises";

import type {
  Client,
  sendUnaryData,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
  AnalyzerHandshakeResponse,
  AnalyzerStackConfigureRequest,
  AnalyzerStackConfigureResponse,
} from "@pulumi/pulumi/proto/analyzer_pb";

import { grpc } from "../grpc/sdk";
import { listen, messageLimit } from "../grpc/serve";
import type { Output } from "./children";
import { configEnvironment } from "./run";

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type Answer = sendUnaryData<Buffer>;

/** Starts the policy pack with these variables and this output, and waits for its end. */
type Start<T> = (env: NodeJS.ProcessEnv, to: Output) => Promise<T>;

/** A promise that is resolved from outside. */
class Later<T> {
  resolve: (value: T) => void = () => undefined;
  reject: (error: Error) => void = () => undefined;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * A proxy between the engine and a policy pack. The pack's SDK reads the stack's name and configuration from the
 * environment when it starts, but the engine sends them in a call to the pack. So the proxy receives that call,
 * then starts the pack and forwards every later call.
 */
export class PolicyProxy {
  private readonly configured = new Later<AnalyzerStackConfigureRequest | undefined>();
  private readonly pack = new Later<Client>();

  constructor(
    private readonly output: Output,
    cancelled: AbortSignal,
  ) {
    // Nobody awaits a pack that does not start if the engine disconnected first.
    this.pack.promise.catch(() => undefined);
    cancelled.addEventListener("abort", () => this.configured.resolve(undefined));
  }

  /** Serves until the pack ends, and returns the result of `start`. */
  async serve<T>(start: Start<T>): Promise<T> {
    const { server, port } = await listen(this.service(), this.handlers());
    try {
      this.output.stdout(Buffer.from(`${port}\n`));
      const configuration = await this.configured.promise;
      return await start(stackEnvironment(configuration), {
        stdout: this.portThenOutput(),
        stderr: (chunk) => this.output.stderr(chunk),
      });
    } finally {
      this.pack.reject(new Error("The policy pack has ended."));
      // The engine first reads the answers of running calls.
      await sleep(0);
      server.forceShutdown();
    }
  }

  /** Every method of the service, with messages as plain bytes. */
  private service(): ServiceDefinition {
    return Object.fromEntries(
      Object.entries(AnalyzerService).map(([name, method]) => [
        name,
        {
          ...method,
          ...{ requestSerialize: asIs, requestDeserialize: asIs },
          ...{ responseSerialize: asIs, responseDeserialize: asIs },
        },
      ]),
    );
  }

  private handlers(): UntypedServiceImplementation {
    const passed: UntypedServiceImplementation = {};
    for (const [name, { path }] of Object.entries(AnalyzerService)) {
      passed[name] = (call: UnaryCall, answer: Answer) => this.passOn(path, call.request, answer);
    }
    return {
      ...passed,
      handshake: (_call: UnaryCall, answer: Answer) =>
        answer(null, bytesOf(new AnalyzerHandshakeResponse())),
      configureStack: (call: UnaryCall, answer: Answer) => {
        this.configured.resolve(AnalyzerStackConfigureRequest.deserializeBinary(call.request));
        answer(null, bytesOf(new AnalyzerStackConfigureResponse()));
      },
    };
  }

  private passOn(path: string, request: Buffer, answer: Answer): void {
    // Without a stack, as for `pulumi policy publish`, the engine sends no configuration.
    this.configured.resolve(undefined);
    this.pack.promise.then(
      (client) => void client.makeUnaryRequest(path, asIs, asIs, request, answer),
      () => answer({ code: grpc.status.UNAVAILABLE, details: "The policy pack did not start." }),
    );
  }

  /** The pack's first line is its port; the rest is output. */
  private portThenOutput(): (chunk: Buffer) => void {
    let line: string | undefined = "";
    return (chunk) => {
      if (line === undefined) return this.output.stdout(chunk);
      line += chunk.toString("utf8");
      const end = line.indexOf("\n");
      if (end < 0) return;
      const [port, rest] = [line.slice(0, end), line.slice(end + 1)];
      line = undefined;
      if (rest !== "") this.output.stdout(Buffer.from(rest));
      void this.connect(port.trim());
    };
  }

  private async connect(port: string): Promise<void> {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": messageLimit,
      "grpc.max_send_message_length": messageLimit,
    });
    const configuration = await this.configured.promise;
    if (configuration === undefined) return this.pack.resolve(client);
    const { path } = AnalyzerService.configureStack;
    // Packs with an older policy SDK do not know this call, and read the environment only.
    client.makeUnaryRequest(path, asIs, asIs, bytesOf(configuration), () =>
      this.pack.resolve(client),
    );
  }
}

/** The environment variables that the pack's SDK reads about the stack. */
function stackEnvironment(request: AnalyzerStackConfigureRequest | undefined): NodeJS.ProcessEnv {
  if (request === undefined) return {};
  return {
    PULUMI_NODEJS_ORGANIZATION: request.getOrganization(),
    PULUMI_NODEJS_PROJECT: request.getProject(),
    PULUMI_NODEJS_STACK: request.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(request.getDryRun()),
    ...configEnvironment(request.getConfigMap().toArray(), request.getConfigSecretKeysList()),
  };
}

function bytesOf(message: { serializeBinary(): Uint8Array }): Buffer {
  return Buffer.from(message.serializeBinary());
}
