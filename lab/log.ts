/** After how many seconds of a step the reader is reminded that it still runs. */
const reminderSeconds = 15;

/**
 * Where progress is written. A step prints a line when it starts, and one with its duration if it took over two
 * seconds.
 */
export interface Log {
  /** Whether another program may draw on this log's terminal. */
  readonly interactive: boolean;
  /** A separate line before the steps. */
  title(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  /**
   * Runs `work` and prints what it is, that it still runs, and how long it took.
   * @param progress the progress so far, for the reminder
   */
  step<T>(text: string, work: () => Promise<T>, progress?: () => string): Promise<T>;
}

/** A log that writes plain lines to standard error, so that standard output stays for results. */
export function consoleLog(stream: NodeJS.WritableStream = process.stderr): Log {
  const write = (text: string): void => void stream.write(`${text}\n`);
  let running = 0;
  return {
    interactive: "isTTY" in stream && stream.isTTY === true,
    title: write,
    info: (text) => write(`  ${text}`),
    warn: (text) => write(`  warning: ${text}`),
    async step(text, work, progress) {
      const started = Date.now();
      const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;
      // The end of one of several concurrent steps is printed with its name.
      let alone = running === 0;
      running += 1;
      write(`- ${text}`);
      const reminder = setInterval(
        () => write(`  still: ${progress === undefined ? text : progress()} (${seconds()})`),
        reminderSeconds * 1000,
      );
      try {
        const result = await work();
        alone &&= running === 1;
        if (Date.now() - started > 2000) write(`  done in ${seconds()}${alone ? "" : `: ${text}`}`);
        return result;
      } finally {
        running -= 1;
        clearInterval(reminder);
      }
    },
  };
}

/** A log that prints nothing, for tests. */
export const silentLog: Log = {
  interactive: false,
  title: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  step: (_text, work) => work(),
};
