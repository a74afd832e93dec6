import { fitsGate, gateContainer, gateOf } from "../gate";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import type { StackSettings } from "../stack";

/** A gate that cannot be there, or cannot ask its server. */
export function gateProblems(
  key: string,
  own: ServerSettings,
  { probe }: Pick<StackSettings, "probe">,
): Problem[] {
  const gate = gateOf(own);
  if (gate === undefined) return [];
  const { sidecars, initContainers } = own;
  const problems: Problem[] = [];
  const add = (path: string, problem: string, fix: string): void =>
    void problems.push({ path, problem, fix });
  if (probe.image === undefined) {
    add(
      "probe.image",
      `is missing, and servers.${key}.gate needs it.`,
      "Build it with `make images REGISTRY=<registry> IMAGES=probe PUSH=1`, then: pulumi config set --path probe.image <registry>/probe:0.1.0",
    );
  }
  if (own.source === "bridge" && gate.check === "always") {
    add(
      `servers.${key}.gate`,
      "is always, and a bridge starts a process for each client that asks.",
      `Set it with: pulumi config set --path servers.${key}.gate start`,
    );
  }
  if (!fitsGate(own.requiredTools)) {
    add(
      `servers.${key}.requiredTools`,
      "is too long for the gate, which has it in a variable.",
      `Name fewer tools, or set servers.${key}.gate to "off".`,
    );
  }
  if (gate.check === "start" && gate.restartSeconds !== undefined) {
    add(
      `servers.${key}.gate.restartSeconds`,
      'means nothing with check: "start": the server is not asked again.',
      'Take it out, or set check to "always".',
    );
  }
  for (const [list, containers] of Object.entries({ sidecars, initContainers })) {
    const index = containers.findIndex(({ name }) => name === gateContainer);
    if (index === -1) continue;
    add(
      `servers.${key}.${list}[${index}].name`,
      `"${gateContainer}" is the name of the gate's container.`,
      "Give it another name.",
    );
  }
  return problems;
}
