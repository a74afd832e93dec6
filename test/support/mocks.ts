import * as pulumi from "@pulumi/pulumi";
import type * as resproto from "@pulumi/pulumi/proto/resource_pb";

/** One registered resource, as the engine would receive it. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** Position among all registrations, from 0. */
  readonly order: number;
}

/** Options that the engine receives besides the inputs. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly dependencies: readonly string[];
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly retainOnDelete: boolean;
  /** The engine's limit for an update, such as `630s`. Empty for its default. */
  readonly updateTimeout: string;
}

/** Options of the recorder. */
export interface RecorderOptions {
  readonly stack?: string;
  /** Registers nothing for real and leaves outputs of dynamic resources unknown, like `pulumi preview`. */
  readonly preview?: boolean;
  /** Delays a resource's registration until the promise is resolved, to see who waits for it. */
  readonly hold?: (type: string, name: string) => Promise<void> | undefined;
  /** Outputs of the Cutover. @default generation 1 */
  readonly generation?: number;
  /** Outputs of other stacks, by the stack's name. */
  readonly stacks?: Readonly<Record<string, OtherStack>>;
}

/** A stack that is only read. */
export interface OtherStack {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly secrets?: readonly string[];
}

type Register = (
  request: resproto.RegisterResourceRequest,
  reply: (error: unknown, response?: resproto.RegisterResourceResponse) => void,
) => unknown;

const known =
  /^(kubernetes:|postgresql:|random:|pulumi:providers:|pulumi-nodejs:dynamic\/mcp-fleet:|mcp-fleet:)/;

/** Records what a program registers. An unexpected type or function is an error. */
export class Recorder implements pulumi.runtime.Mocks {
  readonly resources: Recorded[] = [];
  readonly registrations: Registered[] = [];

  private constructor(private readonly options: RecorderOptions) {}

  /** Makes the SDK register with a new recorder. */
  static async install(options: RecorderOptions = {}): Promise<Recorder> {
    const recorder = new Recorder(options);
    await pulumi.runtime.setMocks(
      recorder,
      "mcp-fleet",
      options.stack ?? "test",
      options.preview ?? false,
    );
    recorder.listen();
    return recorder;
  }

  /** The SDK's mocks do not receive a resource's options. */
  private listen(): void {
    const monitor = pulumi.runtime.getMonitor() as unknown as { registerResource: Register };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, reply) =>
      register(request, (error, response) => {
        if (response !== undefined) {
          this.registrations.push({
            type: request.getType(),
            name: request.getName(),
            urn: response.getUrn(),
            dependencies: request.getDependenciesList(),
            deleteBeforeReplace: request.getDeletebeforereplace(),
            ignoreChanges: request.getIgnorechangesList(),
            retainOnDelete: request.getRetainondelete() ?? false,
            updateTimeout: request.getCustomtimeouts()?.getUpdate() ?? "",
          });
        }
        reply(error, response);
      });
  }

  async newResource(
    args: pulumi.runtime.MockResourceArgs,
  ): Promise<{ id: string | undefined; state: Record<string, unknown> }> {
    if (args.type === "pulumi:pulumi:StackReference") return this.read(args);
    if (!known.test(args.type)) throw new Error(`unexpected resource type ${args.type}`);
    const inputs = args.inputs as Record<string, unknown>;
    this.resources.push({
      type: args.type,
      name: args.name,
      inputs,
      order: this.resources.length,
    });
    await this.options.hold?.(args.type, args.name);
    return { id: `${args.name}-id`, state: { ...inputs, ...this.computed(args) } };
  }

  /** Another stack's outputs as the engine returns them. Nothing is created. */
  private read({ inputs }: pulumi.runtime.MockResourceArgs): {
    id: string;
    state: Record<string, unknown>;
  } {
    const { name } = inputs as { name: string };
    const stack = this.options.stacks?.[name];
    if (stack === undefined) throw new Error(`unknown stack ${name}`);
    const { outputs, secrets = [] } = stack;
    return { id: name, state: { name, outputs, secretOutputNames: [...secrets] } };
  }

  call(args: pulumi.runtime.MockCallArgs): Promise<Record<string, unknown>> {
    throw new Error(`unexpected call of ${args.token}`);
  }

  /** Every resource of a type. */
  of(type: string): Recorded[] {
    return this.resources.filter((one) => one.type === type);
  }

  /** The one resource of this type and name. */
  one(type: string, name: string): Recorded {
    const found = this.of(type).filter((one) => one.name === name);
    const [only] = found;
    if (only === undefined || found.length > 1) {
      const there = this.of(type).map((one) => one.name);
      throw new Error(`${found.length} of ${type} ${name}; there are: ${there.join(", ")}`);
    }
    return only;
  }

  /** Outputs that the engine and the providers would add. */
  private computed(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
    const inputs = args.inputs as { metadata?: Record<string, unknown> };
    if (args.type.startsWith("kubernetes:")) {
      return { metadata: { name: `${args.name}-1a2b3c4d`, ...inputs.metadata } };
    }
    if (args.type === "random:index/randomPassword:RandomPassword") {
      return { result: "generated-password" };
    }
    if (args.type.endsWith(":Cutover") && this.options.preview !== true) {
      return { generation: this.options.generation ?? 1, counts: { rewrite: 5 } };
    }
    return {};
  }
}
