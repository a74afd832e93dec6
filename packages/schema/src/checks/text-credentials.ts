import { configPath, secretCommand, type Step } from "../paths";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";
import { isCredentialText } from "./credentials";

/** `$(NAME)`, which the kubelet replaces by a variable's value. */
const reference = /\$\([A-Za-z_][A-Za-z0-9_]*\)/g;

/** Variables and command lines that contain a credential: both the stack file and the pod would show it. */
export function textCredentialProblems(
  key: string,
  own: Pick<ServerSettings, "env" | "args" | "command" | "stdio" | "sidecars" | "initContainers">,
): Problem[] {
  const { sidecars, initContainers } = own;
  return [
    ...inContainer(key, [], own),
    ...[...sidecars.entries()].flatMap(([at, one]) => inContainer(key, ["sidecars", at], one)),
    ...[...initContainers.entries()].flatMap(([at, one]) =>
      inContainer(key, ["initContainers", at], one),
    ),
  ];
}

function inContainer(
  key: string,
  at: readonly Step[],
  { env, ...lines }: Pick<Partial<ServerSettings>, "env" | "args" | "command" | "stdio">,
): Problem[] {
  const path = (...more: Step[]): string => configPath(["servers", key, ...at, ...more]);
  const problem = "contains a credential as plain text, which the stack file and the pod show.";
  const ofEnv = Object.entries(env ?? {}).flatMap(([name, value]): Problem[] => {
    if (typeof value !== "string" || !shows(value)) return [];
    const fix = `Remove it, and set it with: ${secretCommand(["serverSecrets", key, name])}; then change the credential.`;
    return [{ path: path("env", name), problem, fix }];
  });
  const ofLines = (["command", "args", "stdio"] as const).flatMap((name): Problem[] => {
    const words = lines[name] ?? [];
    if (![words].flat().some(shows)) return [];
    const fix = `Set it under a name in serverSecrets.${key}, and write $(NAME) in its place; then change the credential.`;
    return [{ path: path(name), problem, fix }];
  });
  return [...ofEnv, ...ofLines];
}

const shows = (text: string): boolean => isCredentialText(text.replaceAll(reference, ""));
