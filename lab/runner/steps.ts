import { isUserError, UserError } from "@mcp-fleet/errors";

import { type Handler, InitFailure, type Outcome, type Registration } from "./handler";
import { durationSeconds, type RegisterRequest } from "./request";
import type { Run } from "./run";
import { type JsonObject, markSecrets, revealObject, withoutUnknowns } from "./wire";

/** Carries out one registration after the other: apply, record, tell. */
export class Steps {
  constructor(
    private readonly run: Run,
    private readonly handlers: readonly Handler[],
  ) {}

  /** Components and providers are recorded only. */
  async take(resource: Registration, request: RegisterRequest): Promise<Outcome> {
    const { run } = this;
    const old = run.state.resources.get(resource.urn);
    if (!request.getCustom()) {
      this.record(resource, request, { op: "same", id: "", outputs: {} });
      return { op: "same", outputs: {} };
    }
    if (resource.type.startsWith("pulumi:providers:")) {
      const id = old?.id ?? resource.name;
      const outcome: Outcome = { op: "same", id, outputs: resource.inputs };
      this.record(resource, request, outcome);
      return outcome;
    }
    if (resource.type.startsWith("pulumi-nodejs:dynamic")) this.expose(resource);
    const handler = this.handlers.find((item) => item.handles(resource.type));
    if (handler === undefined) throw unknownType(resource.type);
    const done = run.timed(resource.type, resource.name);
    try {
      const outcome = await handler.apply(resource, old);
      const secrets = { ...outcome, outputs: hide(resource, outcome) };
      run.learn(secrets.outputs);
      if (outcome.replaced === true && old !== undefined) run.state.superseded.push(old);
      this.record(resource, request, secrets);
      run.changes.push({ urn: resource.urn, type: resource.type, op: outcome.op });
      done(outcome.op, outcome.replaced === true ? "replaced" : undefined);
      return secrets;
    } catch (error) {
      done(old === undefined ? "create" : "update", "failed");
      if (!(error instanceof InitFailure)) throw named(resource, error);
      const outputs = hide(resource, error.outcome);
      if (error.outcome.replaced === true && old !== undefined) run.state.superseded.push(old);
      this.record(resource, request, { ...error.outcome, outputs }, error.reasons);
      run.changes.push({ urn: resource.urn, type: resource.type, op: error.outcome.op });
      throw named(resource, error.error);
    }
  }

  private record(
    resource: Registration,
    request: RegisterRequest,
    outcome: Outcome,
    initErrors?: readonly string[],
  ): void {
    if (this.run.preview) return;
    const deleteTimeout = durationSeconds(request.getCustomtimeouts()?.getDelete());
    this.run.state.put({
      urn: resource.urn,
      type: resource.type,
      name: resource.name,
      custom: request.getCustom(),
      id: outcome.id ?? "",
      inputs: outcome.inputs ?? resource.inputs,
      outputs: outcome.outputs,
      dependencies: [...resource.dependencies],
      ...(resource.provider === undefined ? {} : { provider: resource.provider }),
      ...(initErrors === undefined ? {} : { initErrors: [...initErrors] }),
      ...(request.getProtect() ? { protect: true } : {}),
      ...(request.getRetainondelete() ? { retainOnDelete: true } : {}),
      ...(deleteTimeout === undefined ? {} : { deleteTimeout }),
    });
  }

  private expose(resource: Registration): void {
    const all = revealObject(resource.inputs);
    delete all.__provider;
    const inputs = withoutUnknowns(all);
    const unknown = Object.keys(all).filter((key) => !(key in inputs));
    const { urn, type, name } = resource;
    this.run.exposed.push({ urn, type, name, inputs, unknown });
  }
}

/** Wraps the outputs that the inputs or the program call secret. */
export function hide(resource: Registration, outcome: Outcome): JsonObject {
  return markSecrets(outcome.outputs, resource.inputs, resource.secretOutputs);
}

/** The error with the resource it is about; one that says what to do already stays as it is. */
function named(resource: Registration, error: unknown): Error {
  if (isUserError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  const [first, ...rest] = text.trim().split("\n");
  const type = resource.type.split(":").at(-1) ?? resource.type;
  return new UserError(
    `${type} ${resource.name}: ${first ?? "failed"}`,
    rest.length > 0
      ? rest.join("\n")
      : "Correct the cause and run it again: what was done is kept in the state.",
    { cause: error },
  );
}

export function unknownType(type: string): UserError {
  return new UserError(
    `The lab runner does not know the resource type ${type}.`,
    "Use the Pulumi CLI for a program that has it.",
  );
}
