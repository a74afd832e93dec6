import { existsSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isUserError, messageOf, readTextFileIfThere, UserError } from "@mcp-fleet/errors";
import type { AgreedChanges } from "@mcp-fleet/operations";
import type { LockedServers, parseToolsLock, toolsLockText } from "@mcp-fleet/schema";

import type { CliContext } from "../context";
import { opened, openStack, type StackOptions } from "./stack";

/** A stack's tools lock, and the way to its servers. */
export interface OpenToolsLock {
  /** Where it is, or is to be. */
  readonly file: string;
  /**
   * Asks servers, and compares.
   * @param names none: all
   * @param image asks the one server with it
   */
  compare(names: readonly string[], image?: string): Promise<AgreedChanges[]>;
  /** Asks a release of each of these servers, by key, and compares. */
  compareImages(images: Readonly<Record<string, string>>): Promise<AgreedChanges[]>;
  /** The images that the next update would bring to servers that run, by key. @param names none: all */
  plannedImages(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** Writes what these list; the others stay as they are. */
  write(changes: readonly AgreedChanges[]): void;
  /** As a command prints them: without the lists themselves. */
  shown(changes: readonly AgreedChanges[]): Omit<AgreedChanges, "listed">[];
}

/** The tools lock of a stack that an update has applied. @throws {UserError} when the lock cannot be read */
export async function openToolsLock(
  context: CliContext,
  options: StackOptions,
): Promise<OpenToolsLock> {
  const stack = await openStack(context, options);
  const schema = await import("@mcp-fleet/schema");
  const { ownValue, largestLock, toolsLockFile } = schema;
  const name = toolsLockFile(`Pulumi.${(await stack.name()).split("/").at(-1) ?? ""}.yaml`);
  const file = join(stack.directory, name);
  const content = contentOf(file, largestLock);
  const known: LockedServers = content === undefined ? {} : schema.parseToolsLock(name, content);
  const progress = (line: string): void => context.note(`waiting: ${line}`);
  const asking = async () => ({
    ...(await opened(context, stack, await stack.cutover())),
    ...(await import("@mcp-fleet/operations")),
  });
  const compareImages: OpenToolsLock["compareImages"] = async (images) => {
    const { fleet, credentials, askCandidateTools, changesOf } = await asking();
    const changes: AgreedChanges[] = [];
    // One after the other: a cluster may have room for one more pod only.
    for (const [name, image] of Object.entries(images)) {
      const candidate = { name, image, signal: context.signal };
      const { tools } = await askCandidateTools(fleet, credentials, candidate, progress);
      changes.push(changesOf(name, ownValue(known, name), tools));
    }
    return changes;
  };
  return {
    file,
    async compare(names, image) {
      const [name = ""] = names;
      if (image !== undefined) return compareImages({ [name]: image });
      const { fleet, credentials, askTools, changesOf } = await asking();
      const listed = await askTools(fleet, credentials, names, progress, context.signal);
      return listed.map(({ server, tools }) => changesOf(server, ownValue(known, server), tools));
    },
    compareImages,
    async plannedImages(names) {
      const { fleet, changedImages, askedServers } = await asking();
      // A name that is mistyped must not pass as one that gets no other image.
      const asked = askedServers(fleet, names);
      const { resources } = await stack.preview();
      const images = changedImages(await stack.resources(), resources);
      const closed = fleet.targets.filter(({ auth }) => auth === "per-request");
      const wanted = Object.entries(images).filter(([key]) => {
        if (!asked.includes(key)) return false;
        if (names.length > 0 || !closed.some(({ name }) => name === key)) return true;
        context.note(`${key} gets another image and is not asked: it has auth: "per-request".`);
        return false;
      });
      return Object.fromEntries(wanted);
    },
    write(changes) {
      const own = Object.fromEntries(changes.map(({ server, listed }) => [server, listed]));
      const text = keptText(name, known, own, schema);
      writeWhole(file, text);
    },
    shown: (changes) => changes.map(({ listed, ...rest }) => rest),
  };
}

/**
 * The text of the file with these servers.
 * @throws {UserError} for one that could not be read again: with it nothing could be done with the stack
 * @internal exported for its test
 */
export function keptText(
  name: string,
  known: LockedServers,
  own: LockedServers,
  form: {
    readonly parseToolsLock: typeof parseToolsLock;
    readonly toolsLockText: typeof toolsLockText;
  },
): string {
  const text = form.toolsLockText({ ...known, ...own });
  try {
    form.parseToolsLock(name, text);
    return text;
  } catch (error) {
    if (!isUserError(error)) throw error;
    throw new UserError(
      `What ${Object.keys(own).join(", ")} list cannot be kept in ${name}: ${error.problem}`,
      "Leave out, by naming the others, the server that lists far more than its tools need.",
    );
  }
}

function contentOf(file: string, most: number): string | undefined {
  try {
    return readTextFileIfThere(file, most);
  } catch (error) {
    throw new UserError(
      `${file} cannot be read: ${messageOf(error)}.`,
      "Make it a file that can be read.",
    );
  }
}

/** A run that stops half-way leaves the file as it was. A link stays one. */
function writeWhole(name: string, text: string): void {
  const file = existsSync(name) ? realpathSync(name) : name;
  const beside = `${file}.${process.pid}`;
  try {
    writeFileSync(beside, text);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new UserError(
      `${file} cannot be written: ${messageOf(error)}.`,
      "Make its directory one that you may write to, and run the command again.",
    );
  }
}
