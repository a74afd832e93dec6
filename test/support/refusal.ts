import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { type OtherStack, Recorder } from "./mocks";
import { fullStack, setConfig, type TestConfig } from "./resources";

/** A change to a working stack, the key that the message must name, and what its fix must contain. */
export interface BadConfig {
  readonly what: string;
  readonly plain?: Readonly<Record<string, unknown>>;
  readonly secret?: Readonly<Record<string, unknown>>;
  readonly kubernetes?: Readonly<Record<string, string>>;
  readonly stacks?: Readonly<Record<string, OtherStack>>;
  readonly names: RegExp;
  readonly fix: RegExp;
}

/** The servers of the working stack with one more, `extra`. */
export function withExtra(settings: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const extra = { image: "registry.example/extra:1.0.0", port: 8100, ...settings };
  return { servers: { ...(fullStack.plain.servers as object), extra } };
}

/** Runs the program, which must refuse, and returns its message. */
export async function refusal(
  config: TestConfig,
  stacks: Readonly<Record<string, OtherStack>> = {},
): Promise<string> {
  const recorder = await Recorder.install({ stacks });
  setConfig(config);
  const program = (await import("../../index.js")).default;
  let message = "";
  await assert.rejects(program(), (error: Error) => {
    message = error.message;
    return pulumi.RunError.isInstance(error);
  });
  assert.deepEqual(recorder.resources, [], "nothing may be made before the refusal");
  return message;
}

/** One test for each: the message names key and fix, shows no stack trace and no secret. */
export function refusesEach(cases: readonly BadConfig[]): void {
  for (const one of cases) {
    it(`is refused: ${one.what}`, async () => {
      const config = {
        plain: without({ ...fullStack.plain, ...one.plain }),
        secret: without({ ...fullStack.secret, ...one.secret }),
        ...(one.kubernetes === undefined ? {} : { kubernetes: one.kubernetes }),
      };
      const message = await refusal(config, one.stacks);
      assert.match(message, one.names);
      assert.match(message, one.fix);
      assert.ok(!/\n\s+at /.test(message), "no stack trace");
      for (const secret of ["dsn-secret", "pat-secret", "jira-secret", "clear-secret"]) {
        assert.ok(!message.includes(secret), secret);
      }
    });
  }
}

function without(bag: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(bag).filter(([, value]) => value !== undefined));
}
