import { Argument, type Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";

const shells = ["bash", "zsh", "fish", "powershell"] as const;
type Shell = (typeof shells)[number];

/** The scripts ask `mcp-fleet complete` at each Tab: see complete.ts. */
export function completionCommand(context: CliContext): Command {
  return newCommand("completion", {
    group: "This command line",
    example: "mcp-fleet completion bash",
  })
    .description("print a script that completes commands, options and servers in a shell")
    .addArgument(new Argument("<shell>").choices(shells))
    .action(async (shell: Shell, _options: object, command: Command) => {
      const name = command.parent?.name() ?? "";
      if (shell === "bash") {
        context.streams.stdout.write(bashScript(name));
        return;
      }
      const { script } = await import("@bomb.sh/tab");
      script(shell, name, name);
    });
}

/**
 * Our own, in the library's protocol: the library's needs the package bash-completion, and runs what is typed (`$(...)`, `>`)
 * at each Tab. `compgen -W` would expand what a cluster answers, so words are compared here.
 */
const bashScript = (name: string): string => `# source <(${name} completion bash)
_mcp_fleet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line word
  COMPREPLY=()
  while IFS= read -r line; do
    word="\${line%%$'\\t'*}"
    case "$word" in
      :*) ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done < <(${name} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _mcp_fleet ${name}
`;
