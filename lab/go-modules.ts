import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { messageOf, UserError } from "@mcp-fleet/errors";

import { onPath, run } from "./exec";
import type { Log } from "./log";
import { paths } from "./paths";
import { trim, type TrimmedModule } from "./trimmed-module";

/** A build of Go programs from the module in `lab/go/<name>`. */
export interface GoBuild {
  /** Folder of the module, and prefix of the target's name. */
  readonly name: string;
  /** A description of what is built. */
  readonly what: string;
  /** Duration in minutes on two idle cores. */
  readonly minutes: number;
  /** Size of Go's caches during the build, in GiB. They are removed afterwards. */
  readonly scratchGiB: number;
  /** Source files of the binaries besides `go.mod` and `go.sum`. */
  readonly sources: readonly string[];
  readonly packages: readonly string[];
  /** Output below the target directory; a trailing slash makes it a folder of several programs. */
  readonly output: string;
  readonly flags: readonly string[];
  /** A module that is compiled without some of its packages. */
  readonly trimmed?: TrimmedModule;
  /**
   * Adds further files to the directory before it counts as complete.
   *
   * @param trimmed the directory of that module's files
   */
  readonly finish?: (directory: string, trimmed: string) => void | Promise<void>;
}

/** Time limit of a build, in seconds. */
const buildSeconds = 60 * 60;

const moduleOf = ({ name }: Pick<GoBuild, "name">): string =>
  join(paths.projectDir, "lab", "go", name);

/** The directory for a build of the current sources. Its name changes with any of them. */
export function targetOf(build: GoBuild): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", ...build.sources]) {
    hash.update(file).update(readFileSync(join(moduleOf(build), file)));
  }
  hash.update(process.arch).update(build.flags.join(" "));
  hash.update(build.trimmed?.empty.join(" ") ?? "");
  return join(paths.bin, `${build.name}-${hash.digest("hex").slice(0, 12)}`);
}

/** The version of a module that `go.mod` pins, such as `v1.36.3`. */
export function pinnedVersion(name: string, module: string): string {
  const text = readFileSync(join(moduleOf({ name }), "go.mod"), "utf8");
  const line = text
    .split("\n")
    .find((one) => one.replace("require ", "").trim().startsWith(`${module} `));
  const version = line?.split(" ").find((word) => /^v\d/.test(word));
  if (version === undefined) throw new Error(`lab/go/${name}/go.mod does not name ${module}`);
  return version;
}

/**
 * Builds the programs unless the cache holds them. Go's own caches are not used: the build has its own, which go once
 * it is done.
 *
 * @returns the directory with the programs
 * @throws UserError when Go is missing or too old, or the build fails
 */
export async function ensureBuilt(build: GoBuild, log: Log): Promise<string> {
  const target = targetOf(build);
  if (existsSync(target)) return target;
  const progress = new Progress(build.what);
  await log.step(
    `Building ${build.what} from the Go modules (once; about ${build.minutes} minutes on two idle cores, ${build.scratchGiB} GiB of disk while it lasts)`,
    () => make(build, target, progress),
    () => progress.text(),
  );
  return target;
}

async function make(build: GoBuild, target: string, progress: Progress): Promise<void> {
  mkdirSync(paths.bin, { recursive: true });
  // Files of an interrupted build. Another build of the same name waits for the lab's lock.
  const unfinished = join(paths.bin, `building-${build.name}`);
  remove(unfinished);
  const scratch = join(unfinished, "go");
  const output = join(unfinished, "out");
  for (const name of ["cache", "tmp"]) mkdirSync(join(scratch, name), { recursive: true });
  mkdirSync(output);
  const go = new GoCommand(moduleOf(build), scratch);
  try {
    await go.ask(["list", "-m"]);
    const trimmed = join(scratch, "trimmed");
    if (build.trimmed !== undefined) {
      const said = await go.ask(["mod", "download", "-json", build.trimmed.module]);
      const { Dir } = JSON.parse(said) as { Dir: string };
      go.modfile = trim(build.trimmed, { module: Dir, own: moduleOf(build), target: trimmed });
    }
    const listed = await go.ask(["list", "-deps", ...build.packages]);
    progress.total = listed.split("\n").length;
    await go.build([...build.flags, "-o", join(output, build.output), ...build.packages], () => {
      progress.done += 1;
    });
    await build.finish?.(output, trimmed);
    renameSync(output, target);
  } finally {
    remove(unfinished);
  }
}

const remove = (directory: string): void =>
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });

/** Packages that are compiled, of those that have to be. */
class Progress {
  total = 0;
  done = 0;

  constructor(private readonly what: string) {}

  text(): string {
    const far =
      this.total === 0 ? "fetching modules" : `${this.done} of ${this.total} packages compiled`;
    return `${this.what}: ${far}`;
  }
}

/** The `go` command in one module, with caches of its own. */
class GoCommand {
  /** Instead of the module's own go.mod. */
  modfile: string | undefined;

  constructor(
    private readonly directory: string,
    private readonly scratch: string,
  ) {}

  async ask(args: readonly string[]): Promise<string> {
    if (!(await onPath("go"))) {
      throw new UserError("Go is not on PATH; parts of the lab are built with it.", fix);
    }
    try {
      return await run("go", args, { cwd: this.directory, timeoutSeconds: 900, env: this.env });
    } catch (cause) {
      // Before that, Go prints what it downloads.
      const why = (cause as Error).message.trim().split("\n").at(-2) ?? messageOf(cause);
      const problem = `The Go on PATH cannot build ${this.directory}: ${why}`;
      throw new UserError(problem, fix, { cause });
    }
  }

  /** @param onPackage for each package that is compiled */
  build(args: readonly string[], onPackage: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn("go", ["build", "-v", "-trimpath", ...args], {
        cwd: this.directory,
        env: { ...process.env, ...this.env },
        stdio: ["ignore", "ignore", "pipe"],
        timeout: buildSeconds * 1000,
      });
      const said: string[] = [];
      createInterface({ input: child.stderr }).on("line", (line) => {
        // With -v each package is one line; anything else is a message.
        if (/^[\w.\-/~]+$/.test(line)) onPackage();
        else said.push(line);
      });
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) return resolve();
        const why = said.slice(-12).join("\n");
        reject(
          new UserError(
            `Go could not build ${this.directory}: ${why === "" ? "it was ended" : why}`,
            `Run it by hand to see more: cd ${this.directory} && go build ${args.join(" ")}`,
          ),
        );
      });
    });
  }

  private get env(): Record<string, string> {
    const modfile = this.modfile === undefined ? "" : ` -modfile=${this.modfile}`;
    return {
      GOFLAGS: `-mod=readonly -buildvcs=false -modcacherw${modfile}`,
      CGO_ENABLED: "0",
      GOWORK: "off",
      // Less frequent garbage collection in the compiler: a fifth less CPU time for more memory.
      GOGC: process.env.GOGC ?? "400",
      GOCACHE: join(this.scratch, "cache"),
      GOMODCACHE: join(this.scratch, "modules"),
      GOTMPDIR: join(this.scratch, "tmp"),
    };
  }
}

const fix =
  "Install Go 1.21 or newer, which fetches the version named in go.mod itself (unset GOTOOLCHAIN=local).";
