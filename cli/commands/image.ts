import type { ImageContents } from "@mcp-fleet/operations";
import type { Command } from "commander";

import { timeoutOption } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { table } from "../terminal";
import { imageVerifyCommand } from "./image/verify";

interface Options {
  readonly deployment: string;
  readonly pullSecret: string[];
  readonly timeout: number;
}

/** Says which bundled MCP servers an image of the application still holds. Changes nothing that stays. */
export function imageCommand(context: CliContext): Command {
  return newCommand("image", {
    group: "Checks",
    example: "mcp-fleet image -n llmctl harbor.example.com/llmctl/llmctl-studio:2.0.0",
  })
    .description(
      "find the bundled MCP servers that the application's image still holds; code 10 when any",
    )
    .argument("[image]", "the image (default: the one that --deployment runs)")
    .option("--deployment <name>", "the application's Deployment", "llmctl-studio")
    .option("--pull-secret <name...>", "Secrets for the image's registry (repeatable)", [])
    .addOption(timeoutOption(180))
    .action((image: string | undefined, options: Options) => look(context, image, options))
    .addCommand(imageVerifyCommand(context));
}

async function look(
  context: CliContext,
  given: string | undefined,
  { deployment, pullSecret, timeout }: Options,
): Promise<void> {
  const { checkImage, imageOf } = await import("@mcp-fleet/operations");
  const kube = await context.cluster();
  const { namespace } = kube;
  const running =
    given === undefined
      ? await imageOf(kube, namespace, deployment)
      : { image: given, pullSecrets: [] };
  const { image } = running;
  const pullSecrets = [...running.pullSecrets, ...pullSecret];
  const contents = await checkImage(kube, {
    ...{ image, namespace, pullSecrets, timeoutSeconds: timeout },
    signal: context.signal,
  });
  await context.print({ image, ...contents }, () => overview(contents));
  for (const line of notes(image, contents)) context.note(line);
  context.findings(Object.keys(contents.bundled).length > 0);
}

function overview({ bundled }: ImageContents): string {
  const rows = Object.entries(bundled).flatMap(([key, paths]) => paths.map((path) => [key, path]));
  return rows.length === 0 ? "" : table(["server", "still in the image"], rows);
}

function notes(image: string, { bundled, launchers, unreadable }: ImageContents): string[] {
  const keys = Object.keys(bundled);
  return [
    keys.length === 0
      ? `${image} holds no bundled MCP server.`
      : `${image} still holds ${keys.join(", ")}. Leave them out of the image for the in-cluster target; the one for a rollback needs them.`,
    ...(launchers.length === 0
      ? []
      : [`${launchers.join(", ")} can fetch and start a server that a row names.`]),
    ...(unreadable.length === 0
      ? []
      : [`Not looked into, because the pod's user may not: ${unreadable.join(", ")}.`]),
  ];
}
