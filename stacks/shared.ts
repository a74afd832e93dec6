import type { Problem, SharedSettings } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

/** The values from another stack. Secrets among them are in plain text, for {@link namesOfSecrets} only. */
export interface SharedValues {
  readonly namespace?: string;
  readonly databaseUrl?: string;
  readonly studioSecrets?: Readonly<Record<string, string>>;
}

/**
 * Reads the outputs that `shared` names. A missing output, and one that is secret or plain against expectation,
 * is added to `problems`, with key, output and stack.
 */
export async function readShared(
  { stack, outputs }: SharedSettings,
  problems: Problem[],
): Promise<SharedValues> {
  const reference = new pulumi.StackReference("shared", { name: stack });
  const read = async (
    path: string,
    name: string | undefined,
    secret: boolean,
  ): Promise<string | undefined> => {
    if (name === undefined) return undefined;
    const details = await reference.getOutputDetails(name);
    const value = (secret ? details.secretValue : details.value) as unknown;
    if (typeof value === "string" && value !== "") return value;
    const problem = problemOf(details, name, stack, secret);
    problems.push({ path: `shared.outputs.${path}`, ...problem });
    return undefined;
  };
  const named = Object.entries(outputs.studioSecrets ?? {});
  const [namespace, databaseUrl, ...values] = await Promise.all([
    read("namespace", outputs.namespace, false),
    read("databaseUrl", outputs.databaseUrl, true),
    ...named.map(([key, name]) => read(`studioSecrets.${key}`, name, true)),
  ]);
  const studioSecrets = Object.fromEntries(
    named.flatMap(([key], index) => {
      const value = values[index];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  return {
    namespace,
    databaseUrl,
    ...(named.length === 0 ? {} : { studioSecrets }),
  };
}

function problemOf(
  { value, secretValue }: pulumi.StackReferenceOutputDetails,
  name: string,
  stack: string,
  secret: boolean,
): Pick<Problem, "problem" | "fix"> {
  const found: unknown = value ?? secretValue;
  if (found === undefined || found === null) {
    return {
      problem: `names the output ${name}, which the stack ${stack} does not have.`,
      fix: `Name one of its outputs (pulumi stack output --stack ${stack}), or export ${name} there and run pulumi up in that stack.`,
    };
  }
  if (typeof found !== "string" || found === "") {
    return {
      problem: `names the output ${name} of the stack ${stack}, which is not text.`,
      fix: "Export it there as a string that is not empty.",
    };
  }
  return secret
    ? {
        problem: `names the output ${name}, which the stack ${stack} keeps in plain text.`,
        fix: `Export it there with pulumi.secret(...), run pulumi up in that stack, and change the credential, since the old value is in its state.`,
      }
    : {
        problem: `names the output ${name}, which is a secret of the stack ${stack}, and would be in the names of objects.`,
        fix: "Export it there in clear.",
      };
}
