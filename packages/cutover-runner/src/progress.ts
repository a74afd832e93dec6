/** Hears a line about what is being done or waited for. */
export type OnProgress = (line: string) => void;

/** How long a step may be silent, in seconds. */
const silentSeconds = 10;

/** Says what changes as it does, and how long it has taken where nothing changes. */
export function speaking(onProgress: OnProgress | undefined): OnProgress {
  let [last, since, said] = ["", Date.now(), 0];
  return (line) => {
    if (onProgress === undefined) return;
    const now = Date.now();
    if (line !== last) {
      [last, since, said] = [line, now, now];
      onProgress(line);
    } else if (now - said >= silentSeconds * 1000) {
      said = now;
      onProgress(`${line}, for ${Math.round((now - since) / 1000)} seconds now`);
    }
  };
}
