import type { Command } from "commander";

/** One command's place in `mcp-fleet --help`, and how it is called. */
type Examples = Readonly<Record<string, string>>;

/** The groups of `mcp-fleet --help` in its order; every command is in one of them, with an example of its use. */
export const groups: Readonly<Record<string, Examples>> = {
  "Servers:": {
    list: "mcp-fleet list -n llmctl --probe",
    status: "mcp-fleet status github -n llmctl",
    start: "mcp-fleet start github -n llmctl",
    stop: "mcp-fleet stop github -n llmctl --wait",
    scale: "mcp-fleet scale github 2 -n llmctl --wait",
    restart: "mcp-fleet restart github -n llmctl",
    logs: "mcp-fleet logs github -n llmctl --tail 50 --follow",
    "mcp-json": "mcp-fleet mcp-json -n llmctl --url outside --into .mcp.json",
    serve: "mcp-fleet serve -n llmctl --no-force-stop",
  },
  "Rows:": {
    plan: "mcp-fleet plan --stack prod",
    settle: "mcp-fleet settle --stack prod",
    report: "mcp-fleet report --stack prod --file cutover.html",
    secrets: "mcp-fleet secrets import --stack prod --dry-run",
    grants: "mcp-fleet grants --stack prod --role mcp_fleet",
    finalize: "mcp-fleet finalize --stack prod --generation 3 --yes",
  },
  "Stack:": {
    init: "mcp-fleet init --stack prod",
    config: "mcp-fleet config check Pulumi.prod.yaml",
    history: "mcp-fleet history --stack prod --limit 5",
    up: "mcp-fleet up --stack prod --message 'release 2.1'",
    rollback: "mcp-fleet rollback --stack prod --to 12",
    promote: "mcp-fleet promote --from dev --to prod",
    describe: "mcp-fleet describe --stack prod --in-cluster > fleet.json",
  },
  "Checks:": {
    doctor: "mcp-fleet doctor --stack prod",
    verify: "mcp-fleet verify --stack prod",
    drift: "mcp-fleet drift --stack prod --ignore service-without-row/chroma",
    check: "mcp-fleet check --fleet fleet.json --push http://pushgateway:9091",
    exporter: "mcp-fleet exporter --fleet fleet.json --port 9108",
    image: "mcp-fleet image -n llmctl harbor.example.com/llmctl/llmctl-studio:2.0.0",
    stray: "mcp-fleet stray --allow-cluster 10.20.0.0/24 --allow-namespace ai-platform",
  },
  "This command line:": {
    completion: "mcp-fleet completion bash",
  },
};

/** Puts a command into its group and an example below its options. */
export function withHelp(command: Command): Command {
  for (const [group, examples] of Object.entries(groups)) {
    const example = examples[command.name()];
    if (example === undefined) continue;
    return command.helpGroup(group).addHelpText("after", `\nExample:\n  ${example}`);
  }
  return command;
}

const order = Object.values(groups).flatMap((examples) => Object.keys(examples));

/** The order of `mcp-fleet --help`: that of the groups, and what is in none at the end. */
export function byGroup(a: Command, b: Command): number {
  const place = (command: Command): number =>
    order.includes(command.name()) ? order.indexOf(command.name()) : order.length;
  return place(a) - place(b);
}

/** What stands below the groups: the way to the rest. */
export const moreHelp =
  "\nOptions and an example of a command: mcp-fleet <command> --help. Exit codes: docs/cli.md.";
