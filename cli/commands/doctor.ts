import type { PulumiStack, StateResource } from "@mcp-fleet/engine";
import type { Kube } from "@mcp-fleet/kube";
import type { Finding } from "@mcp-fleet/operations";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { cutoverIn, fleetIn, namespaceIn, previewWithoutRows, workIn } from "../day-two/declared";
import { opened, openStack, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";

/** Checks everything that an update needs. Changes nothing. */
export function doctorCommand(context: CliContext): Command {
  return withStack(
    newCommand("doctor", {
      group: "Checks",
      example: "mcp-fleet doctor --stack prod",
    }),
    { file: false },
  )
    .description("look at what an update needs, one by one with its fix; code 10 when any fails")
    .action(async (options: StackOptions) => {
      const stack = await openStack(context, options);
      const findings = await examine(context, stack);
      await context.print(findings, () =>
        findings.map((finding) => lineOf(context, finding)).join("\n"),
      );
      context.findings(findings.some(({ state }) => state === "fail"));
    });
}

async function examine(context: CliContext, stack: PulumiStack): Promise<Finding[]> {
  const operations = await import("@mcp-fleet/operations");
  const { checkCluster, checked, checkDatabase, checkImages, checkSignatures } = operations;
  const { imagesOf } = operations;
  const program = await declaration(stack);
  const { resources } = program;
  const cutover = await cutoverIn(resources);
  const fleet = cutover === undefined ? undefined : await fleetIn(cutover, stack);
  const { kube, finding } = await clusterOf(context, stack);
  const namespace = context.globals().namespace ?? namespaceIn(resources, fleet, kube);
  const images = imagesOf(resources, fleet, namespace);
  const work =
    resources.length === 0 ? undefined : await workIn(resources, cutover, fleet, namespace);
  const parts = await Promise.all([
    checked("tools", () => tools(stack, resources)),
    Promise.resolve(program.findings),
    Promise.resolve(finding === undefined ? [] : [finding]),
    kube === undefined ? [] : checked("cluster", () => checkCluster(kube, work)),
    checked("images", () => checkImages(images, kube)),
    checked("signatures", async () => {
      const rules = (await stack.config())["mcp-fleet:verifyImages"]?.value;
      return checkSignatures(images, rules, kube, stack.directory);
    }),
    cutover === undefined
      ? []
      : checked("database", async () => {
          const { fleet: rows, credentials } = await opened(context, stack, cutover);
          return checkDatabase(rows, credentials, !madeRole(resources));
        }),
  ]);
  return parts.flat();
}

interface Declaration {
  readonly resources: readonly StateResource[];
  readonly findings: readonly Finding[];
}

/** The resources of the next update; where the program refuses the preview, those of the last one. */
async function declaration(stack: PulumiStack): Promise<Declaration> {
  const { ok, refused } = await import("@mcp-fleet/operations");
  try {
    const { resources } = await previewWithoutRows(stack);
    return { resources, findings: [ok("program", `it declares ${resources.length} resources`)] };
  } catch (error) {
    const resources = await stack.resources().catch(() => []);
    return { resources, findings: [refused("program", error)] };
  }
}

/** The cluster that the Kubernetes provider would use, unless the command line names another. */
async function clusterOf(
  context: CliContext,
  stack: PulumiStack,
): Promise<{ readonly kube?: Kube; readonly finding?: Finding }> {
  const { connectKube } = await import("@mcp-fleet/kube");
  const { refused } = await import("@mcp-fleet/operations");
  try {
    const config = await stack.config();
    const text = (key: string): string | undefined => {
      const value = config[`kubernetes:${key}`]?.value;
      return typeof value === "string" && value !== "" ? value : undefined;
    };
    const globals = context.globals();
    const named = globals.context ?? text("context");
    const kubeconfig = globals.kubeconfig ?? text("kubeconfig") ?? stack.place.env?.KUBECONFIG;
    const kube = await connectKube(
      named === undefined ? {} : { context: named },
      kubeconfig === undefined ? {} : { kubeconfig },
    );
    return { kube };
  } catch (error) {
    return { finding: refused("context", error) };
  }
}

/** Whether the stack makes the cutover's role. */
function madeRole(resources: readonly StateResource[]): boolean {
  return resources.some(({ type }) => type === "mcp-fleet:database:CutoverDatabase");
}

async function tools(
  stack: PulumiStack,
  resources: readonly StateResource[],
): Promise<readonly Finding[]> {
  const { toolchain } = await import("@mcp-fleet/engine");
  const { ok } = await import("@mcp-fleet/operations");
  const used = ["kubernetes", "postgresql", "random"].filter(
    (name) => name === "kubernetes" || resources.some(({ type }) => type.startsWith(`${name}:`)),
  );
  const { cli, plugins } = await toolchain(stack, used);
  return [
    ok("tools", `Node.js ${process.versions.node}, Pulumi CLI ${cli}`),
    ...plugins.map(({ name, version, installed }): Finding => {
      if (installed.includes(version)) return ok("plugins", `${name} ${version}`);
      const there = installed.length === 0 ? "none" : installed.join(", ");
      return {
        check: "plugins",
        state: "warn",
        said: `${name} ${version} is not installed (${there} is), so the CLI fetches it or takes another`,
        fix: `pulumi plugin install resource ${name} ${version}`,
      };
    }),
  ];
}

const colours = { ok: "green", warn: "yellow", fail: "red", unseen: "yellow" } as const;

/** `ok      cluster: ...`, and the fix below it. */
function lineOf(context: CliContext, { check, state, said, fix }: Finding): string {
  const mark = context.styled(colours[state], state.padEnd(6));
  const line = `${mark}  ${check}: ${said}`;
  return fix === undefined ? line : `${line}\n        fix: ${fix}`;
}
