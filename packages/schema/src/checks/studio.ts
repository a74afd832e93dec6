import { ownValue } from "../own";
import type { Problem } from "../problems";
import type { StackSettings } from "../stack";
import type { SecretNames } from "./secret-names";

/** Variables that the program sets for Studio; another value would contradict the rows. */
export const ours: Readonly<Record<string, string>> = {
  STUDIO_MODE: "the target",
  PORT: "studio.port",
  LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE: "the namespace, which Studio puts into the rows' URLs",
};
/** Later versions of Studio build every row's URL from this variable and ignore the rows. */
const publicBase = "LLMCTL_MCP_PUBLIC_BASE_URL";

/** Problems in the application's own settings. */
export function studioProblems(
  settings: StackSettings,
  secrets: SecretNames | undefined,
): Problem[] {
  const { studio } = settings;
  if (!studio.enabled) return [];
  const problems: Problem[] = [];
  if (studio.images === undefined) {
    problems.push({
      path: "studio.images",
      problem: "is missing.",
      fix: "Set studio.images.embedded and studio.images.in-cluster, or set studio.enabled to false.",
    });
  }
  const secretNames = secrets?.keys ?? [];
  if (!secretNames.includes("DATABASE_URL")) {
    problems.push({
      path: "studioSecrets.DATABASE_URL",
      problem: "is missing: Studio does not get the cutover's databaseUrl, whose role is another.",
      fix: "Set it with: pulumi config set --secret --path studioSecrets.DATABASE_URL postgresql://user:password@host:5432/database, as Studio's pods reach the database.",
    });
  }
  // A Secret's value overrides the ConfigMap's, so both are checked.
  const set = [
    ...Object.keys(studio.env).map((name) => [`studio.env.${name}`, name] as const),
    ...secretNames.map((name) => [`studioSecrets.${name}`, name] as const),
  ];
  for (const [path, name] of set) {
    const fix = `Remove it with: pulumi config rm --path ${path}`;
    const value = ownValue(ours, name);
    if (value !== undefined) {
      problems.push({ path, problem: `is set by the program, to ${value}.`, fix });
    }
    if (name === publicBase) {
      const problem = "makes Studio write every row anew with that address, over the cutover's.";
      problems.push({ path, problem, fix });
    }
  }
  return problems;
}
