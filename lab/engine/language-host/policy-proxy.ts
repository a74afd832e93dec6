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

/** Starts the policy pack with these variables, its output going there, and waits for its end. */
type Start<T> = (env: NodeJS.ProcessEnv, to: Output) => Promise<T>;

/** A promise that is kept from outside. */
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
 * Stands between the engine and a policy pack. The pack's SDK reads the stack's name and configuration from the
 * environment as it starts; the engine tells them in a call to the pack. So this takes that call, and then starts
 * the pack and passes every later call on to it.
 */
export class PolicyProxy {
  private readonly configured = new Later<AnalyzerStackConfigureRequest | undefined>();
  private readonly pack = new Later<Client>();

  constructor(
    private readonly output: Output,
    cancelled: AbortSignal,
  ) {
    // A pack that does not start has nobody waiting for it where the engine went away first.
    this.pack.promise.catch(() => undefined);
    cancelled.addEventListener("abort", () => this.configured.resolve(undefined));
  }

  /** Serves until the pack ends, and gives what `start` gave. */
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
      // The engine reads the answers of the calls under way first.
      await sleep(0);
      server.forceShutdown();
    }
  }

  /** Every method of the service, with messages as the bytes they are. */
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
    // Without a stack, as for `pulumi policy publish`, the engine configures none.
    this.configured.resolve(undefined);
    this.pack.promise.then(
      (client) => void client.makeUnaryRequest(path, asIs, asIs, request, answer),
      () => answer({ code: grpc.status.UNAVAILABLE, details: "The policy pack did not start." }),
    );
  }

  /** The first line of the pack is its port; what follows is shown. */
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
    // Packs of an older policy SDK do not know this call, and read the environment only.
    client.makeUnaryRequest(path, asIs, asIs, bytesOf(configuration), () =>
      this.pack.resolve(client),
    );
  }
}

/** What the pack's SDK reads of the stack. */
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
