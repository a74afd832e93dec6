/** Called with a line about what is being done or waited for. */
export type OnProgress = (line: string) => void;

/** How long a step may be silent, in seconds. */
const silentSeconds = 10;

/** Passes on each new line at once, and repeats an unchanged one with its duration. */
export function speaking(onProgress: OnProgress | undefined): OnProgress {
  let [last, since, reported] = ["", Date.now(), 0];
  return (line) => {
    if (onProgress === undefined) return;
    const now = Date.now();
    if (line !== last) {
      [last, since, reported] = [line, now, now];
      onProgress(line);
    } else if (now - reported >= silentSeconds * 1000) {
      reported = now;
      onProgress(`${line}, for ${Math.round((now - since) / 1000)} seconds now`);
    }
  };
}
