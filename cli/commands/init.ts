import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { isUserError, quoted, UserError } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";
import type { ClusterSketch, Draft, DraftInput } from "@mcp-fleet/operations";
import type { Survey } from "@mcp-fleet/row-cutover";
import { type Command, Option } from "commander";

import type { CliContext } from "../context";
import { openStack, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";

interface Options extends StackOptions {
  readonly file?: string;
  readonly table?: string;
  readonly tls?: DraftInput["tls"];
  readonly cluster: boolean;
  readonly force?: true;
}

/** Writes a stack file from a database and a cluster, which are only read. */
export function initCommand(context: CliContext): Command {
  return withStack(
    newCommand("init", {
      group: "Stack",
      example: "mcp-fleet init --stack prod",
    }),
    { file: false },
  )
    .description("write a stack file from what database and cluster show; both are only read")
    .option("--file <path>", "where to write it (default: the stack's own file)")
    .option("--table <name>", "the table with the servers, as schema.table (default: found)")
    .addOption(
      new Option(
        "--tls <mode>",
        "how the database's certificate is checked (default: by sslmode)",
      ).choices(["verify-full", "verify-ca", "disable"]),
    )
    .option("--no-cluster", "look at no cluster")
    .option("--force", "write over a configuration that is there; its secrets stay")
    .addHelpText("after", "\nThe database's address is taken from MCP_FLEET_DATABASE_URL.")
    .action((options: Options) => init(context, options));
}

async function init(context: CliContext, options: Options): Promise<void> {
  const target = await targetOf(context, options);
  const kept = await keptParts(target.file, options.force === true);
  const tls = options.tls ?? tlsOf(process.env.MCP_FLEET_DATABASE_URL);
  const survey = await look(tls, options.table);
  const { found } = survey;
  if (found === undefined) throw nothingFound(survey);
  const { draftStack, isStudio } = await import("@mcp-fleet/operations");
  const cluster = options.cluster ? await clusterSketch(context, isStudio(found)) : undefined;
  const namespace = context.globals().namespace ?? "default";
  const draft = draftStack({
    found,
    namespace,
    tls,
    ...(cluster === undefined ? {} : { cluster }),
  });
  writeFileSync(target.file, [...kept.head, draft.text + kept.secrets].join("\n"));
  const { schema, table } = found.spec;
  const data = { file: target.file, table: `${schema}.${table}`, ...withoutText(draft) };
  await context.print({ ...data, also: survey.also, unfit: survey.unfit }, () =>
    summary(target, survey, draft).join("\n"),
  );
}

interface Target {
  readonly file: string;
  /** For the commands that are printed. */
  readonly stack?: string;
}

async function targetOf(context: CliContext, options: Options): Promise<Target> {
  if (options.file !== undefined)
    return { file: options.file, ...(options.stack === undefined ? {} : { stack: options.stack }) };
  const stack = await openStack(context, options);
  const { StackFile } = await import("@mcp-fleet/engine");
  const name = await stack.name();
  return { file: StackFile.of(stack.directory, name).path, stack: name };
}

/** What is kept of an existing file: its secrets, and how they are encrypted. */
interface Kept {
  readonly head: readonly string[];
  /** Entries of `config`, as text. */
  readonly secrets: string;
}

/** @throws UserError when the file has more than what `pulumi stack init` leaves in it */
async function keptParts(file: string, force: boolean): Promise<Kept> {
  if (!existsSync(file)) return { head: [], secrets: "" };
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  const head = lines.filter((line) => /^(encryptionsalt|encryptedkey|secretsprovider):/.test(line));
  const more = lines.some((line) => !/^\s*(#.*)?$/.test(line) && !head.includes(line));
  if (!more) return { head, secrets: "" };
  if (force) return { head, secrets: await secretsIn(file, text) };
  throw new UserError(
    `${file} has a configuration already; nothing was written.`,
    "Give another file with --file, or --force to write over it.",
    { exitCode: exitCodes.usage },
  );
}

/** The secrets of a stack file's configuration, as ciphertexts. No other place holds them. */
async function secretsIn(file: string, text: string): Promise<string> {
  const { stringify } = await import("yaml");
  const { isCiphertext, readYaml } = await import("@mcp-fleet/schema");
  const { config } = (readYaml(file, text) ?? {}) as { config?: Record<string, unknown> };
  const hidden = (value: unknown): boolean =>
    isCiphertext(value) ||
    (typeof value === "object" && value !== null && Object.values(value).some(hidden));
  const secrets = Object.entries(config ?? {}).filter(([, value]) => hidden(value));
  if (secrets.length === 0) return "";
  return stringify(Object.fromEntries(secrets)).replace(/^(?=.)/gm, "  ");
}

/** How the certificate is checked: as the DSN's sslmode says, else fully. */
function tlsOf(url: string | undefined): DraftInput["tls"] {
  const mode =
    url !== undefined && URL.canParse(url) ? new URL(url).searchParams.get("sslmode") : null;
  if (mode === "disable" || mode === "verify-ca") return mode;
  return "verify-full";
}

async function look(tls: DraftInput["tls"], table: string | undefined): Promise<Survey> {
  const databaseUrl = process.env.MCP_FLEET_DATABASE_URL ?? "";
  if (databaseUrl === "") {
    throw new UserError(
      "The database's address is not known: MCP_FLEET_DATABASE_URL is unset.",
      "Set it to postgresql://user:password@host:port/database; a login that may read the table is enough.",
      { exitCode: exitCodes.usage },
    );
  }
  const { withDatabase } = await import("@mcp-fleet/cutover-runner");
  const { recognise } = await import("@mcp-fleet/operations");
  const { surveyDatabase } = await import("@mcp-fleet/row-cutover");
  return withDatabase(
    { database: { connect: "direct", tls }, kubernetes: {} },
    { databaseUrl },
    (db) => surveyDatabase(db, { recognise, ...(table === undefined ? {} : { table }) }),
  );
}

/** Undefined where no cluster can be read. A note says why, and the command goes on. */
async function clusterSketch(
  context: CliContext,
  studio: boolean,
): Promise<ClusterSketch | undefined> {
  const { lookAtCluster } = await import("@mcp-fleet/operations");
  let kube: Kube;
  try {
    kube = await context.cluster();
    return await lookAtCluster(kube, studio ? "llmctl-studio" : "", context.globals().namespace);
  } catch (error) {
    if (!isUserError(error)) throw error;
    context.note(`No cluster was looked at. ${error.problem}`);
    return undefined;
  }
}

function nothingFound({ database, unfit }: Survey): UserError {
  return new UserError(
    [
      `No table of the database ${database} that this role may read holds configurations of MCP servers.`,
      ...unfit,
    ].join(" "),
    "Name one with --table <schema>.<table>; check the database, and that the role may read its tables.",
    { exitCode: exitCodes.notFound },
  );
}

function withoutText({ servers, deferred, secrets }: Draft): Omit<Draft, "text"> {
  return { servers, deferred, secrets };
}

function summary({ file, stack }: Target, { found, also, unfit }: Survey, draft: Draft): string[] {
  const table = `${found?.spec.schema}.${found?.spec.table}`;
  const decisions = draft.text.match(/^ *# DECIDE:/gm)?.length ?? 0;
  const where = stack === undefined ? "" : ` --stack ${quoted(stack)}`;
  return [
    `${file}: the servers ${draft.servers.length === 0 ? "(none is known)" : draft.servers.join(", ")} of ${table}; ${decisions} places to decide, marked DECIDE.`,
    ...(draft.deferred.length === 0
      ? []
      : [`Rows that stay as they are for now: ${draft.deferred.join(", ")}.`]),
    ...(also.length === 0 ? [] : [`Servers are in ${also.join(", ")} too; --table chooses.`]),
    ...unfit.map((one) => `Left out: ${one}`),
    "Set these; each asks for its value:",
    ...draft.secrets.map((path) => `  pulumi config set --secret --path ${quoted(path)}${where}`),
    `Then: mcp-fleet doctor${where}, pulumi preview${where}`,
  ];
}
