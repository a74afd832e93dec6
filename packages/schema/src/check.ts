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

/** What is known of a stack's secrets: their names, never a value. */
export interface StackSecrets {
  readonly databaseUrl: boolean;
  readonly meshDatabaseUrl: boolean;
  readonly studio?: SecretNames | undefined;
  readonly servers: Readonly<Record<string, SecretNames>>;
}

/** A stack that was looked at. */
export interface CheckedStack {
  /** Undefined where the schema refuses it. */
  readonly settings?: StackSettings;
  readonly servers: readonly ResolvedServer[];
  /** Everything that is wrong; empty: nothing is. */
  readonly problems: readonly Problem[];
}

/** Where and how a stack is looked at. */
export interface CheckPlace {
  readonly catalog: Catalog;
  /** The stack's file, which shows how values are written. @default it is not known */
  readonly text?: string;
  /** Whether objects are only written as YAML. @default false */
  readonly rendered?: boolean;
  /** What only the caller knows to be wrong. */
  readonly further?: (settings: StackSettings) => Problem[];
}

/**
 * Looks at a stack's values, in their places and together, and says everything that is wrong at once.
 *
 * @param values by key, without the project's name
 */
export function checkStack(
  values: Readonly<Record<string, unknown>>,
  secrets: StackSecrets,
  place: CheckPlace,
): CheckedStack {
  const checked = checkValues(values, secrets, place);
  const written = misread(place.text ?? "");
  // The file shows what the value does not.
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

/** What the schema cannot see: how the parts fit together. */
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
