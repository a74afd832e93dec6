import { UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";
import * as resproto from "@pulumi/pulumi/proto/resource_pb";

import type { Handler, Registration } from "./handler";
import {
  type InvokeRequest,
  keepIgnored,
  type OutputsRequest,
  type ReadRequest,
  type RegisterRequest,
  registrationOf,
  type Reply,
  unsupportedOption,
  urnOf,
} from "./request";
import type { Run } from "./run";
import { Struct } from "./sdk";
import { hide, Steps, unknownType } from "./steps";
import { revealObject } from "./wire";

const stackType = "pulumi:pulumi:Stack";

/** Takes the place of the Pulumi engine behind the SDK's test monitor: each registered resource is really applied. */
export class LabMonitor {
  private readonly steps: Steps;
  private inFlight = 0;
  private onIdle: (() => void) | undefined;
  private firstError: Error | undefined;
  private onFailure: (error: Error) => void = () => undefined;
  /** Rejects with the first step that failed; never resolves. */
  readonly failed: Promise<never>;

  constructor(
    private readonly run: Run,
    private readonly handlers: readonly Handler[],
  ) {
    this.steps = new Steps(run, handlers);
    this.failed = new Promise((_, reject) => {
      this.onFailure = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** Makes the SDK of this process talk to this monitor. */
  async attach(): Promise<void> {
    const refuse = (): never => {
      throw new Error("not reached: the methods that call this are replaced");
    };
    await pulumi.runtime.setMocks(
      { newResource: refuse, call: refuse },
      this.run.project,
      this.run.stack,
      this.run.preview,
      "organization",
    );
    Object.assign(pulumi.runtime.getMonitor() ?? {}, {
      registerResource: (request: RegisterRequest, reply: Reply) =>
        this.serve(reply, () => this.register(request)),
      readResource: (request: ReadRequest, reply: Reply) =>
        this.serve(reply, () => this.read(request)),
      registerResourceOutputs: (request: OutputsRequest, reply: Reply) =>
        this.serve(reply, () => this.outputs(request)),
      invoke: (request: InvokeRequest, reply: Reply) =>
        this.serve(reply, () => {
          throw new UserError(
            `The lab runner does not know the function ${request.getTok()}.`,
            "Use the Pulumi CLI for a program that calls it.",
          );
        }),
      registerStackTransform: (_request: unknown, reply: Reply) =>
        this.serve(reply, () => {
          throw unsupported("stack transforms");
        }),
    });
  }

  /** Starts no further step; those under way go on. */
  stop(error: Error): void {
    if (this.firstError !== undefined) return;
    this.firstError = error;
    this.onFailure(error);
  }

  /** Resolves when no step is under way. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle = resolve;
    });
  }

  private async serve(reply: Reply, work: () => unknown): Promise<void> {
    this.inFlight += 1;
    try {
      if (this.firstError !== undefined) throw new Error("the run has stopped");
      reply(null, await work());
    } catch (error) {
      this.stop(error instanceof Error ? error : new Error(String(error)));
      reply(error);
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.onIdle?.();
    }
  }

  private async register(request: RegisterRequest): Promise<unknown> {
    const urn = urnOf(this.run.project, this.run.stack, request);
    if (this.run.registered.has(urn)) {
      throw new UserError(
        `Two resources have the URN ${urn}.`,
        "Give one of them another name, or another parent.",
      );
    }
    this.run.registered.add(urn);
    const option = unsupportedOption(request);
    if (option !== undefined) throw unsupported(`${option} (${request.getName()})`);
    const old = this.run.state.resources.get(urn);
    const asGiven = registrationOf(request, urn);
    const resource = {
      ...asGiven,
      inputs: keepIgnored(asGiven.inputs, old?.inputs, request.getIgnorechangesList()),
    };
    this.run.learn(resource.inputs);
    if (resource.type.startsWith("pulumi:providers:")) {
      this.run.providers.set(urn, revealObject(resource.inputs));
    }
    const outcome = await this.steps.take(resource, request);
    const response = new resproto.RegisterResourceResponse();
    response.setUrn(urn);
    response.setId(outcome.id ?? "");
    response.setObject(Struct.fromJavaScript(outcome.outputs));
    return response;
  }

  private async read(request: ReadRequest): Promise<unknown> {
    const handler = this.handlers.find((item) => item.handles(request.getType()));
    if (handler?.read === undefined) throw unknownType(`${request.getType()} (looked up with get)`);
    const urn = urnOf(this.run.project, this.run.stack, request);
    const provider = request.getProvider().split("::").slice(0, -1).join("::");
    const resource: Registration = {
      urn,
      type: request.getType(),
      name: request.getName(),
      inputs: {},
      dependencies: [],
      secretOutputs: [],
      ...(provider === "" ? {} : { provider }),
    };
    const outputs = await handler.read(resource, request.getId());
    const response = new resproto.ReadResourceResponse();
    response.setUrn(urn);
    response.setProperties(Struct.fromJavaScript(hide(resource, { op: "same", outputs })));
    return response;
  }

  private outputs(request: OutputsRequest): Record<string, never> {
    if (request.getUrn().split("::")[2] === stackType) {
      this.run.outputs = request.getOutputs()?.toJavaScript() ?? {};
      this.run.learn(this.run.outputs);
    }
    return {};
  }
}

function unsupported(what: string): UserError {
  return new UserError(
    `The lab runner does not carry out ${what}.`,
    "Use the Pulumi CLI for this program.",
  );
}
