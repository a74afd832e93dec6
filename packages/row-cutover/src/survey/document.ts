import { credentialsOf } from "../decide/credentials";
import { environment, parseDocument, plainUrl, programOf } from "../decide/document";

/** Names the server that a command line starts, if it is known. It receives every word, secret ones included. */
export type Recognise = (program: string, words: readonly string[]) => string | undefined;

/** What a document says about a server: names, and of values only program, package and plain URL. */
export interface ServerSketch {
  readonly transport: "stdio" | "http";
  /** The program's name, without its directories. */
  readonly program?: string;
  /** The package that `npx`, `uvx` and similar commands download. */
  readonly package?: string;
  /** The result of {@link Recognise}. */
  readonly known?: string;
  /** A URL without login and query. */
  readonly url?: string;
  /** Variables of its environment. */
  readonly variables: readonly string[];
  /** Credentials, wherever in the document, as a variable would be named. */
  readonly secrets: readonly string[];
  /** Variables that name a file of the application's image. */
  readonly files: readonly string[];
}

/** How a column holds a server's configuration. `own`: as a document of its own, which a cutover can rewrite. */
export type DocumentForm =
  | { readonly form: "own"; readonly sketch: ServerSketch }
  | { readonly form: "nested"; readonly under: string }
  | { readonly form: "several"; readonly under: string };

/** Keys under which clients' files keep many servers in one document. */
const listKeys = ["mcpServers", "servers"];
/** Keys under which a document may contain a server besides other things. */
const nestedKeys = ["mcp", "config", "server", "transport"];

/**
 * @param keys values by which a wrapped document may be named; @returns undefined for a document that is not a
 * server
 */
export function sketchOf(
  keys: readonly string[],
  text: string,
  recognise: Recognise,
): DocumentForm | undefined {
  const content = parseDocument(keys, text)?.content;
  if (content === undefined) return undefined;
  if (isServer(content)) return { form: "own", sketch: sketch(content, recognise) };
  for (const under of listKeys) {
    const inner = content[under];
    if (isObject(inner) && Object.values(inner).some((one) => isObject(one) && isServer(one)))
      return { form: "several", under };
  }
  for (const under of nestedKeys) {
    const inner = content[under];
    if (isObject(inner) && isServer(inner)) return { form: "nested", under };
  }
  return undefined;
}

/** A program to start, or a URL together with a key that only an MCP client's configuration has. */
function isServer(content: Readonly<Record<string, unknown>>): boolean {
  if (typeof content.command === "string" && content.command.trim() !== "") {
    const { args, env } = content;
    return (args === undefined || args === null || Array.isArray(args)) && typeof env !== "string";
  }
  if (typeof content.url !== "string" || !/^https?:\/\//.test(content.url)) return false;
  const says = [content.transport, content.type, content.mode].filter(
    (one) => typeof one === "string",
  );
  return (
    says.some((one) => /^(sse|https?|streamable[-_ ]?http)$/i.test(one)) ||
    /\/(mcp|sse)\/?$/.test(new URL(content.url, "http://x").pathname)
  );
}

function sketch(content: Readonly<Record<string, unknown>>, recognise: Recognise): ServerSketch {
  const named = {
    variables: environment(content).map(([name]) => name),
    secrets: [...new Set(credentialsOf(content).map(({ variable }) => variable))],
    files: environment(content).flatMap(([name, value]) =>
      typeof value === "string" && value.startsWith("/") ? [name] : [],
    ),
  };
  if (typeof content.url === "string")
    return { transport: "http", url: plainUrl(content.url), ...named };
  const [, ...own] = String(content.command).trim().split(/\s+/);
  const args = (Array.isArray(content.args) ? content.args : []) as readonly unknown[];
  const words = [...own, ...args].filter((word) => typeof word === "string");
  const program = programOf(String(content.command)).split("/").at(-1) ?? "";
  const known = recognise(program, words);
  const fetched = launcher.test(program) ? words.find((word) => packageName.test(word)) : undefined;
  return {
    ...{ transport: "stdio", program },
    ...(fetched === undefined ? {} : { package: fetched }),
    ...(known === undefined ? {} : { known }),
    ...named,
  };
}

const launcher = /^(npx|bunx|pnpx|uvx|pipx)$/;
/** Only a word that is recognisable as a server's package: any other may be a password. */
const packageName =
  /^(@[a-z0-9][\w.-]{0,40}\/)?(?=[\w.-]*(mcp|server))[a-z][\w.-]{0,60}(@[\w.-]{1,20})?$/;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
