import { quoted } from "@mcp-fleet/errors";

/** A key of an object, or the number of a list's item. */
export type Step = string | number;

/** A place in the configuration as `pulumi config --path` takes it: `servers.web.files["/run/key.json"]`. */
export function configPath(path: readonly Step[]): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(step)) return `["${step.replace(/["\\]/g, "\\$&")}"]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

/**
 * The command that sets one place to a valid example. For a value that is not scalar, or without an example, it
 * says to edit the file.
 */
export function setCommand(path: readonly Step[], example: unknown): string {
  const place = configPath(path);
  if (!["string", "number", "boolean"].includes(typeof example)) {
    const shown = example === undefined ? "" : `, for example as ${JSON.stringify(example)}`;
    return `Write ${place} in Pulumi.<stack>.yaml${shown}.`;
  }
  const value = String(example);
  const options = [
    ...(path.length > 1 ? [" --path"] : []),
    // The engine converts a text that looks like a number or a boolean.
    ...(path.length > 1 && typeof example === "string" && /^(true|false|[-+\d.].*)$/.test(value)
      ? [" --type string"]
      : []),
    // A leading dash would make it an option.
    ...(value.startsWith("-") ? [" --"] : []),
  ].join("");
  return `Set it, for example with: pulumi config set${options} ${word(place)} ${word(value)}`;
}

/** The command that removes one place. */
export function removeCommand(path: readonly Step[]): string {
  return `pulumi config rm${path.length > 1 ? " --path" : ""} ${word(configPath(path))}`;
}

/** The command that prompts for a secret's value, so that no shell history contains it. */
export function secretCommand(path: readonly Step[]): string {
  const option = path.length > 1 ? " --path" : "";
  return `pulumi config set --secret${option} ${word(configPath(path))}`;
}

/** One word for a shell, quoted where necessary. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}
