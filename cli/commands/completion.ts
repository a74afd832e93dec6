import { Argument, Command } from "commander";

import type { CliContext } from "../context";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

export function completionCommand(context: CliContext): Command {
  return new Command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: Shell, _options: object, command: Command) => {
      const program = command.parent ?? command;
      context.streams.stdout.write(scripts[shell](wordsOf(program), program));
    });
}

/** What may follow each command: its options, with those of every command. */
function wordsOf(program: Command): Map<string, string[]> {
  const flags = (command: Command): string[] =>
    command.options.flatMap(({ long }) => (typeof long === "string" ? [long] : []));
  const common = [...flags(program), "--help"];
  return new Map(
    program.commands.map((command) => [command.name(), [...flags(command), ...common].sort()]),
  );
}

const scripts: Record<Shell, (words: Map<string, string[]>, program: Command) => string> = {
  bash: (words) => `# source <(mcp-fleet completion bash)
_mcp_fleet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word command=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      ${[...words.keys()].join("|")}) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") COMPREPLY=($(compgen -W "${[...words.keys()].join(" ")}" -- "$current")) ;;
${[...words].map(([name, flags]) => `    ${name}) COMPREPLY=($(compgen -W "${flags.join(" ")}" -- "$current")) ;;`).join("\n")}
  esac
}
complete -F _mcp_fleet mcp-fleet
`,
  zsh: (words, program) => `#compdef mcp-fleet
# mcp-fleet completion zsh > "\${fpath[1]}/_mcp-fleet"
_mcp_fleet() {
  local -a commands
  commands=(
${program.commands.map((command) => `    ${quoted(`${command.name()}:${command.description()}`)}`).join("\n")}
  )
  local word command=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in
      ${[...words.keys()].join("|")}) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") _describe 'command' commands ;;
${[...words].map(([name, flags]) => `    ${name}) compadd -- ${flags.join(" ")} ;;`).join("\n")}
  esac
}
if [ "$funcstack[1]" = "_mcp_fleet" ]; then _mcp_fleet "$@"; else compdef _mcp_fleet mcp-fleet; fi
`,
  fish: (words, program) => `# mcp-fleet completion fish > ~/.config/fish/completions/mcp-fleet.fish
complete -c mcp-fleet -f
${program.commands.map((command) => `complete -c mcp-fleet -n 'not __fish_seen_subcommand_from ${[...words.keys()].join(" ")}' -a ${command.name()} -d ${quoted(command.description())}`).join("\n")}
${[...words].flatMap(([name, flags]) => flags.map((flag) => `complete -c mcp-fleet -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`)).join("\n")}
`,
};

/** Text in single quotes for a shell. The descriptions are ours; an apostrophe is left out rather than escaped. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "")}'`;
}
