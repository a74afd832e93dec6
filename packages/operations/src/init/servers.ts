import { integratedServers } from "@mcp-fleet/catalog";
import type { SurveyedServer, SurveyedTable } from "@mcp-fleet/row-cutover";
import { type CatalogEntry, ownValue } from "@mcp-fleet/schema";

import { catalogKeyOf } from "./recognise";
import { comment, decide, scalar } from "./yaml";

/** What happens to the rows of a table. */
export interface ServerChoice {
  /** The lines below `mcp-fleet:servers`. */
  readonly lines: readonly string[];
  /** Keys of rows that are not moved yet. */
  readonly deferred: readonly string[];
  /** Secrets to set: `serverSecrets.github.GITHUB_PERSONAL_ACCESS_TOKEN`. */
  readonly secrets: readonly string[];
  /** Keys in `servers`. */
  readonly keys: readonly string[];
}

/** The registry in a generated file until a person replaces it. It does not exist. */
export const placeholderRegistry = "registry.example.com";

/** The known servers of the rows, with all that their rows say; the others are deferred. */
export function chooseServers({ servers, spec }: SurveyedTable): ServerChoice {
  const lines: string[] = [];
  const secrets: string[] = [];
  const deferred: string[] = [];
  const taken = new Map<string, SurveyedServer[]>();
  for (const server of servers.filter(({ own }) => own)) {
    const key = catalogKeyOf(server.key) ?? server.known;
    const first = key === undefined ? undefined : taken.get(key)?.[0];
    // Two rows belong to one server if one has its older key; otherwise the server exists twice.
    const same = first === undefined || catalogKeyOf(server.key) === key;
    if (key === undefined || server.transport === "http" || !same) {
      deferred.push(server.key);
      lines.push(...leftAlone(server));
    } else {
      taken.set(key, [...(taken.get(key) ?? []), server]);
    }
  }
  const known = [...taken].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, rows] of known) {
    const entry = ownValue(integratedServers, key);
    if (entry === undefined) continue;
    lines.push(...serverLines(key, entry, rows, spec.match !== undefined));
    secrets.push(...secretsOf(entry, rows).map((name) => `serverSecrets.${key}.${name}`));
  }
  return { lines, deferred, secrets, keys: known.map(([key]) => key) };
}

function serverLines(
  key: string,
  entry: CatalogEntry,
  rows: readonly SurveyedServer[],
  many: boolean,
): string[] {
  const lines: string[] = [];
  const files = [...new Set(rows.flatMap((row) => row.files))];
  const secrets = secretsOf(entry, rows);
  const plain = [...new Set(rows.flatMap((row) => row.variables))].filter(
    (name) =>
      !secrets.includes(name) && !files.includes(name) && !(name in (entry.server.env ?? {})),
  );
  const body: string[] = [];
  if (entry.server.image === undefined) {
    body.push(
      ...decide(
        6,
        entry.server.source === "bridge"
          ? "the image you built and pushed (images/README.md), pinned."
          : "its image, pinned.",
      ),
      `      image: ${placeholderRegistry}/mcp-fleet/${key}:0.0.0`,
    );
  }
  const [first] = rows;
  const named = rows.every((row) => catalogKeyOf(row.key) === key);
  if (first !== undefined && (!named || many)) {
    body.push(
      "      row:",
      ...(named ? [] : [`        key: ${scalar(first.key)}`]),
      // Rows of users are neither renamed nor merged.
      ...(many ? ["        aliases: []"] : []),
    );
  }
  const started = [...new Set(rows.map(({ program = "" }) => program))].join(", ");
  lines.push(
    ...comment(
      4,
      `Started as ${started}${rows.length > 1 ? ` by the rows ${rows.map((row) => row.key).join(", ")}` : ""}.`,
    ),
  );
  if (secrets.length > 0)
    lines.push(...comment(4, `Credentials (secrets of the stack): ${secrets.join(", ")}.`));
  if (plain.length > 0)
    lines.push(
      ...decide(
        4,
        `its row also sets ${plain.join(", ")}: give it what it needs of them under env.`,
      ),
    );
  if (files.length > 0)
    lines.push(
      ...decide(
        4,
        `${files.join(", ")} name a file of the application's image: give the server its own with files and serverSecrets.${key}, as Pulumi.prod.yaml does.`,
      ),
    );
  return [...lines, ...(body.length === 0 ? [`    ${key}: {}`] : [`    ${key}:`, ...body])];
}

/** Credentials of the rows by name, and those that the server requires. */
function secretsOf(entry: CatalogEntry, rows: readonly SurveyedServer[]): string[] {
  const files = new Set(rows.flatMap((row) => row.files));
  const named = rows.flatMap(({ secrets, variables }) => [
    ...secrets,
    ...variables.filter((name) => entry.credentials.includes(name)),
  ]);
  const found = new Set(named.filter((name) => !files.has(name)));
  const enough = (set: readonly string[]): boolean => set.every((name) => found.has(name));
  if (entry.credentialSets.length > 0 && !entry.credentialSets.some(enough))
    for (const name of entry.credentialSets[0] ?? []) found.add(name);
  return [...found].sort();
}

function leftAlone({
  key,
  transport,
  program = "",
  package: fetched,
  url = "",
}: SurveyedServer): string[] {
  if (transport === "http")
    return comment(4, `${key} has a URL already (${url}), so its row stays as it is (deferred).`);
  const started = fetched === undefined ? program : `${program} ${fetched}`;
  const name = slug(key);
  return [
    ...decide(
      4,
      `${key} starts ${started}, which is in no catalog, so its row stays as it is (deferred). To move it too, build an image of it behind the bridge, take its key out of deferred, and say:`,
    ),
    ...[
      `${name}:`,
      "  source: bridge",
      `  image: ${placeholderRegistry}/mcp-fleet/${name}:0.0.0`,
      `  stdio: ${scalar(started)}`,
      "  port: 8000",
      ...(name === key ? [] : [`  row: { key: ${scalar(key)} }`]),
    ].map((line) => `    # ${line.replace(/[\r\n]/g, " ")}`),
  ];
}

/** A key that is valid as a Kubernetes name. */
function slug(key: string): string {
  const name = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return name === "" ? "server" : name;
}
