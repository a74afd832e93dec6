import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { execa, type ResultPromise } from "execa";
import MarkdownIt from "markdown-it";

import { paths } from "../../lab/paths";

/** Limit of one block of commands, in seconds. */
const blockSeconds = 600;

/** Something a page tells its reader to type, and what it says will come. */
export interface Block {
  /** Line of the page that it begins at, from 1. */
  readonly line: number;
  readonly commands: string;
  /** Lines that the page shows as output; `...` stands for any. Empty where it shows none. */
  readonly promised: readonly string[];
}

/** The commands of a page: blocks of `sh`, blocks of `sql` for psql, and in blocks of `text` the lines that begin with `$`. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(paths.projectDir, page), "utf8");
  return new MarkdownIt().parse(text, {}).flatMap(({ type, info, content, map }) => {
    const line = (map?.[0] ?? 0) + 1;
    if (type !== "fence") return [];
    if (info === "sh") return commandsOf(content, line);
    if (info === "sql") {
      const commands = `psql --no-psqlrc --set ON_ERROR_STOP=1 <<'SQL'\n${content}SQL`;
      return [{ line, commands, promised: [] }];
    }
    return info === "text" ? typed(content, line) : [];
  });
}

/** Each command by itself; one that a backslash ends goes on in the next line. */
function commandsOf(content: string, start: number): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  content.split("\n").forEach((text, index) => {
    if (open === undefined && (text.trim() === "" || text.startsWith("#"))) return;
    const commands = open === undefined ? text : `${open.commands}\n${text}`;
    open = { line: open?.line ?? start + 1 + index, commands, promised: [] };
    if (text.endsWith("\\")) return;
    blocks.push(open);
    open = undefined;
  });
  return blocks;
}

/** A shown session: each command with the lines after it. */
function typed(content: string, start: number): Block[] {
  const lines = content.trimEnd().split("\n");
  const at = lines.flatMap((line, index) => (line.startsWith("$ ") ? [index] : []));
  return at.map((from, index) => ({
    line: start + 1 + from,
    commands: (lines[from] ?? "").slice(2),
    promised: lines.slice(from + 1, at[index + 1] ?? lines.length),
  }));
}

/** What a reader has of this project: the files of a commit in a fresh directory, and nothing that git does not track. */
export async function freshCheckout(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-walk-"));
  const tracked = execFileSync("git", ["ls-files", "-z"], {
    cwd: paths.projectDir,
    encoding: "utf8",
  });
  for (const file of tracked.split("\0").filter(Boolean)) {
    const from = join(paths.projectDir, file);
    if (!existsSync(from)) continue;
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    await cp(from, join(directory, file), { verbatimSymlinks: true });
  }
  const git = (...args: string[]): void => {
    execFileSync(
      "git",
      ["-c", "user.name=reader", "-c", "user.email=reader@example.com", ...args],
      {
        cwd: directory,
        stdio: "ignore",
      },
    );
  };
  git("init");
  git("add", "--all");
  git("commit", "-m", "as it was published");
  return directory;
}

/**
 * What a reader does with one page. Commands are named by a text in them; `text#2` is the second one that has it.
 */
export interface Walk {
  readonly page: string;
  /** What a reader writes in the place of the page's placeholders. */
  readonly instead?: readonly (readonly [from: string, to: string])[];
  /** What a reader does by hand before a command: an editor, another window, an accident. */
  readonly before?: Readonly<Record<string, () => Promise<void> | void>>;
  /** Commands that are not typed here, with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Commands that end in a refusal: the page is about it. */
  readonly refused?: readonly string[];
}

const options = { reject: false, all: true, stdin: "ignore" } as const;
type Typed = ResultPromise<typeof options>;

/** Types what pages say into a shell, one block after the other; directory and variables stay from block to block. */
export class Reader {
  private readonly state = mkdtempSync(join(tmpdir(), "mcp-fleet-reader-"));

  constructor(
    readonly directory: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {
    writeFileSync(join(this.state, "cwd"), directory);
    writeFileSync(join(this.state, "env"), "");
  }

  /** @throws Error naming the page's line when a command ends otherwise than the page says */
  async walk({ page, instead = [], before = {}, without = {}, refused = [] }: Walk): Promise<void> {
    const unused = new Set([...Object.keys(before), ...Object.keys(without), ...refused]);
    const seen = new Map<string, number>();
    const written = (text: string): string =>
      instead.reduce((one, [from, to]) => one.replaceAll(from, to), text);
    for (const { line, commands, promised } of blocksOf(page)) {
      const counted = new Map<string, boolean>();
      const here = (key: string): boolean => {
        const [, text = "", number] = /^([^]*?)(?:#(\d+))?$/.exec(key) ?? [];
        if (!commands.includes(text)) return false;
        // Each command counts once for a text, however often it is asked for.
        if (!counted.has(text)) {
          counted.set(text, true);
          seen.set(text, (seen.get(text) ?? 0) + 1);
        }
        if (number !== undefined && Number(number) !== seen.get(text)) return false;
        unused.delete(key);
        return true;
      };
      for (const [text, work] of Object.entries(before)) if (here(text)) await work();
      const reason = Object.entries(without).find(([text]) => here(text))?.[1];
      if (reason !== undefined) {
        process.stdout.write(`      ${page}:${line} is not typed: ${reason}\n`);
        continue;
      }
      const script = written(commands);
      const { exitCode, output } = await this.type(script);
      const failed = exitCode !== 0;
      if (failed !== refused.some(here)) {
        throw new Error(
          `${page}:${line} ended with ${exitCode}:\n${script}\n${output.slice(-4000)}`,
        );
      }
      const missing = missingLines(promised.map(written), output);
      if (missing.length > 0) {
        throw new Error(
          `${page}:${line} promises what did not come:\n${missing.join("\n")}\n--- it came:\n${output.slice(-6000)}`,
        );
      }
    }
    if (unused.size > 0) throw new Error(`${page} has no block with ${[...unused].join(", ")}`);
  }

  /** Types commands into the reader's shell. */
  async type(script: string): Promise<{ exitCode: number; output: string }> {
    const ended = await this.start(script);
    if (ended.exitCode === undefined)
      throw new Error(`did not end in ${blockSeconds} s:\n${script}`);
    return { exitCode: ended.exitCode, output: ended.all };
  }

  /** Types them and goes on: the process, which does not reject. */
  start(script: string): Typed {
    const [cwd, env] = ["cwd", "env"].map((name) => join(this.state, name));
    const whole = [
      `. ${env}`,
      `cd "$(cat ${cwd})"`,
      "set -eu",
      `trap 'pwd > ${cwd}; export -p > ${env}' EXIT`,
      script,
    ].join("\n");
    return execa("bash", ["-c", whole], {
      ...options,
      extendEnv: false,
      env: this.env,
      timeout: blockSeconds * 1000,
    });
  }

  /** What git sees of the checkout, a line for each file. */
  async changes(): Promise<string> {
    const { stdout } = await execa("git", ["status", "--porcelain"], { cwd: this.directory });
    return stdout;
  }

  close(): void {
    for (const directory of [this.state, this.directory]) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** Lines of a page that did not come, in their order. Numbers, hashes and the names of pods are others in every run. */
function missingLines(promised: readonly string[], output: string): string[] {
  const came = output.split("\n").map(shape);
  let from = 0;
  return promised.filter((line) => {
    const wanted = shape(line);
    if (wanted === "" || wanted === "...") return false;
    const at = came.findIndex((one, index) => index >= from && one.includes(wanted));
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}

function shape(line: string): string {
  return line
    .replace(/\b[0-9a-f]{8,}\b/g, "#")
    .replace(/\b(\d+h)?(\d+m)?\d+(\.\d+)?s\b/g, "#s")
    .replace(/\d+(\.\d+)?/g, "#")
    .replace(/[-─]{3,}/g, "-")
    .replace(/\s+/g, " ")
    .trim();
}
