import { execa } from "execa";

/**
 * How long an interrupted process may run before it is killed, in milliseconds; the same as the CLI's limit for
 * its plugins.
 */
const graceMs = 5000;

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** Receives the output of a process as it comes. */
export interface Output {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

/** How a process ended: by itself, or by a signal. */
export type Ended = { readonly code: number } | { readonly signal: string };

/** The running processes of this host. */
export class Children {
  private readonly running = new Set<Promise<unknown>>();
  private readonly stopping = new AbortController();

  /**
   * Runs a process to its end.
   *
   * @param aborted interrupts it, and kills it five seconds later
   * @throws what the operating system says where it cannot be started
   */
  async run(launch: Launch, output: Output, aborted: AbortSignal): Promise<Ended> {
    const cancelSignal = AbortSignal.any([aborted, this.stopping.signal]);
    if (cancelSignal.aborted) throw new Error("It was cancelled before it was started.");
    const child = execa(launch.command, launch.args, {
      ...{ cwd: launch.cwd, env: launch.env, extendEnv: false },
      ...{ stdin: "ignore", buffer: false, reject: false },
      cancelSignal,
      killSignal: "SIGINT",
      forceKillAfterDelay: graceMs,
    });
    child.stdout.on("data", (chunk: Buffer) => output.stdout(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.stderr(chunk));
    this.running.add(child);
    try {
      const result = await child;
      if (result.exitCode !== undefined) return { code: result.exitCode };
      if (result.signal !== undefined) return { signal: result.signal };
      throw new Error(result.originalMessage);
    } finally {
      this.running.delete(child);
    }
  }

  /** Interrupts all running processes, kills the rest five seconds later, and starts no more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.running);
  }
}

/** How a process ended, as the second half of a sentence. */
export function describeEnd(ended: Ended): string {
  return "code" in ended
    ? `ended with exit code ${ended.code}`
    : `was ended by the signal ${ended.signal}`;
}
