/**
 * JSON for the value of a container's variable. The kubelet takes `$(NAME)` there for another variable and `$$` for one dollar
 * sign, so a dollar sign is written as JSON's own escape.
 */
export function jsonForEnv(value: unknown): string {
  return JSON.stringify(value).replaceAll("$", "\\u0024");
}
