import { type Catalog, withCatalog } from "./catalog";
import {
  meshProblems,
  scraperProblems,
  type SecretNames,
  storageProblems,
  studioProblems,
  trustProblems,
} from "./checks";
import { missing } from "./checks/stack";
import { type Problem, problemsOf } from "./problems";
import { remainderOf } from "./prune";
import { type ResolvedServer, resolveServers } from "./resolve";
import { stackSchema, type StackSettings } from "./stack";
import { misread } from "./written";

/** What is known about a stack's secrets: their names, never a value. */
export interface StackSecrets {
  readonly databaseUrl: boolean;
  readonly meshDatabaseUrl: boolean;
  readonly studio?: SecretNames | undefined;
  readonly servers: Readonly<Record<string, SecretNames>>;
}

/** The result of checking a stack. */
export interface CheckedStack {
  /** Undefined where the schema refuses the configuration. */
  readonly settings?: StackSettings;
  readonly servers: readonly ResolvedServer[];
  /** Every problem found; empty when there is none. */
  readonly problems: readonly Problem[];
}

/** Where and how a stack is checked. */
export interface CheckPlace {
  readonly catalog: Catalog;
  /**
   * The text of the stack's file, which shows how values are written.
   * @default unknown
   */
  readonly text?: string;
  /**
   * Whether the objects are only rendered as YAML.
   * @default false
   */
  readonly rendered?: boolean;
  /** Checks that only the caller can make. */
  readonly further?: (settings: StackSettings) => Problem[];
}

/**
 * Checks a stack's values, one by one and together, and reports every problem at once.
 * @param values by key, without the project's name
 */
export function checkStack(
  values: Readonly<Record<string, unknown>>,
  secrets: StackSecrets,
  place: CheckPlace,
): CheckedStack {
  const checked = checkValues(values, secrets, place);
  const written = misread(place.text ?? "");
  // Some mistakes are visible in the file's text only.
  const others = checked.problems.filter(({ path }) => !written.some((one) => one.path === path));
  return { ...checked, problems: [...written, ...others] };
}

function checkValues(
  values: Readonly<Record<string, unknown>>,
  secrets: StackSecrets,
  place: CheckPlace,
): CheckedStack {
  const given = { ...values, servers: withCatalog(values.servers, place.catalog) };
  const parsed = stackSchema.safeParse(given);
  if (parsed.success) {
    const [servers, problems] = together(parsed.data, secrets, place);
    return { settings: parsed.data, servers, problems };
  }
  const remainder = remainderOf(given, parsed.error);
  const further =
    remainder === undefined
      ? []
      : together(remainder.settings, secrets, place)[1].filter(
          (problem) => !remainder.isArtefact(problem),
        );
  return { servers: [], problems: [...problemsOf(parsed.error, stackSchema), ...further] };
}

/** What the schema cannot check: how the parts fit together. */
function together(
  settings: StackSettings,
  secrets: StackSecrets,
  { catalog, rendered = false, further = () => [] }: CheckPlace,
): [ResolvedServer[], Problem[]] {
  const problems: Problem[] = [];
  const servers = resolveServers(settings, catalog, secrets.servers, problems);
  problems.push(
    ...missing(settings, secrets.databaseUrl),
    ...studioProblems(settings, secrets.studio),
    ...trustProblems(settings, servers),
    ...scraperProblems(settings),
    ...further(settings),
    ...meshProblems(
      settings,
      servers.map((server) => server.name),
    ),
    ...storageProblems(settings, secrets.meshDatabaseUrl, rendered),
  );
  return [servers, problems];
}
