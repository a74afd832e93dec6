import type { TimelineEntry } from "./report";
import { text } from "./report-text";

/** The clocks of cluster, database and engine may differ a little, and Kubernetes' times have whole seconds. */
const skewMs = 2000;
/** The approximate number of marks of an axis. */
const wantedMarks = 6;

/**
 * The run's phases over seconds from its start. A phase that ended before is named below, without a bar: the
 * axis would have to reach back to the start of an old pod.
 * @param startedAt when the run began, ISO 8601. @default the first probe or, without one, the commit
 */
export function timelineHtml(entries: readonly TimelineEntry[], startedAt?: string): string {
  const start = Date.parse(startedAt ?? firstOf(entries));
  const during = entries.filter(({ from }) => Date.parse(from) >= start - skewMs);
  const before = entries.filter((entry) => !during.includes(entry));
  const end = Math.max(start + 1000, ...during.map(({ from, to }) => Date.parse(to ?? from)));
  const at = (time: string): number => Math.max(0, Date.parse(time) - start) / 1000;
  const total = (end - start) / 1000;
  const share = (seconds: number): string => ((seconds / total) * 100).toFixed(2);
  const marks = marksOf(total);
  const axis = marks.map(
    (seconds) => `<span class="mark" style="left:${share(seconds)}%">${seconds} s</span>`,
  );
  const grid = marks.map((seconds) => `<i style="left:${share(seconds)}%"></i>`).join("");
  const lines = during.map(({ phase, what, from, to }) => {
    const [begin, finish] = [at(from), at(to ?? from)];
    const bar = `<b class="${phase}" style="left:min(${share(begin)}%, calc(100% - 5px));width:${share(finish - begin)}%"></b>`;
    const when = to === undefined ? seconds(begin) : `${seconds(begin)} – ${seconds(finish)}`;
    return `<div class="entry"><span class="what">${text(what)}</span><span class="lane" title="${text(`${from} ${to ?? ""}`.trim())}">${grid}${bar}</span><span class="when">${when}</span></div>`;
  });
  const earlier =
    before.length === 0
      ? ""
      : `<p class="soft">There before the run: ${text(before.map(({ what }) => what.replace(/ ready$/, "")).join(", "))}.</p>`;
  return `<p class="soft">Seconds from the start of the run, ${text(new Date(start).toISOString())}.</p>
<div class="time"><div class="entry"><span class="axis">${axis.join("")}</span></div>
${lines.join("\n")}</div>${earlier}`;
}

function firstOf(entries: readonly TimelineEntry[]): string {
  const own = entries.filter(({ phase }) => phase === "probe" || phase === "rows");
  return (own.length > 0 ? own : entries).map(({ from }) => from).sort()[0] ?? "1970-01-01";
}

/** Round seconds from 0 to at most `total`, in steps of 1, 2 or 5 times a power of ten. */
export function marksOf(total: number): number[] {
  const rough = total / wantedMarks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((of) => of * power).find((one) => one >= rough) ?? rough;
  const marks: number[] = [];
  for (let index = 0; index * step <= total; index += 1) {
    marks.push(Number((index * step).toPrecision(6)));
  }
  return marks;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
