/** How long a step may run before the reader is told that it still does, in seconds. */
const reminderSeconds = 15;

/** Where progress goes. Steps print a line when they start and one with their time when they took over two seconds. */
export interface Log {
  /** Whether another program may draw where this log writes. */
  readonly interactive: boolean;
  /** A line of its own, before the steps. */
  title(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  /**
   * Runs `work`, saying what it is, that it still goes on, and how long it took.
   * @param progress how far it is, for the line that says that it still goes on
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
      // The end of one of several steps names it.
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

/** A log that says nothing, for tests. */
export const silentLog: Log = {
  interactive: false,
  title: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  step: (_text, work) => work(),
};
