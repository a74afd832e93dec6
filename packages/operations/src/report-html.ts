import type { CutoverReport, TimelineEntry } from "./report";

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --server: #3b82f6; --probe: #8b5cf6; --rows: #ef4444; --rollout: #10b981; --settle: #f59e0b }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere } pre { margin: 0; white-space: pre-wrap }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem } .facts dt { opacity: .7 } .facts dd { margin: 0 }
.time { display: grid; grid-template-columns: 20rem 1fr 6.5rem; gap: .15rem .8rem; align-items: center; font-size: 13px }
.lane { position: relative; height: 1rem; background: var(--soft); border-radius: 3px } .bar { position: absolute; top: 0; bottom: 0; min-width: 4px; border-radius: 3px }
.right { text-align: right; font-variant-numeric: tabular-nums } .tools code { display: inline-block; background: var(--soft); border-radius: 3px; padding: 0 .35rem; margin: .1rem }
.gap { opacity: .75 }`;

/** One page with everything in it: no script, nothing loaded from elsewhere. */
export function reportHtml(report: CutoverReport): string {
  const { cutover, run, rows, timeline, update, gaps } = report;
  const title = `${cutover}: generation ${run.generation}, ${run.target}`;
  const facts: [string, string | undefined][] = [
    ["Who", run.who],
    ["Stack", run.stack],
    ["Commit", run.commit],
    ["mcp-fleet", run.toolVersion],
    [
      "Update",
      update === undefined
        ? undefined
        : `${update.version}, started ${update.startedAt}${update.message === undefined ? "" : `: ${update.message}`}`,
    ],
    ["Committed", run.committedAt],
    ["Settled", run.settledAt ?? "not yet"],
    [
      "Rows",
      Object.entries(run.counts)
        .map(([what, count]) => `${count} ${what}`)
        .join(", "),
    ],
    ["Write fence", run.fenced ? `held off ${run.fencedWrites} writes of old pods` : "none"],
    ["Plan", run.planHash],
  ];
  const body = [
    `<h1>${text(title)}</h1>`,
    `<dl class="facts">${facts.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [`<dt>${text(name)}</dt><dd>${text(value)}</dd>`])).join("")}</dl>`,
    ...gaps.map((gap) => `<p class="gap">${text(gap)}</p>`),
    "<h2>Timeline</h2>",
    timelineHtml(timeline),
    "<h2>Rows</h2>",
    tableHtml(
      ["Row", "What", "Before", "After"],
      rows.map((row) => [
        text(row.keyBefore === undefined ? row.key : `${row.keyBefore} → ${row.key}`),
        text(row.action),
        documentHtml(row.from, row.before),
        documentHtml(row.to, row.after),
      ]),
    ),
    "<h2>Tools the servers listed before the rows moved</h2>",
    tableHtml(
      ["Server", "Tools", "Names"],
      Object.entries(run.tools ?? {}).map(([server, tools]) => [
        text(server),
        String(tools.length),
        `<span class="tools">${tools.map((tool) => `<code>${text(tool)}</code>`).join(" ")}</span>`,
      ]),
    ),
    ...(update === undefined || update.configChanges.length === 0
      ? []
      : [
          "<h2>Configuration changed with it</h2>",
          tableHtml(
            ["Key", "Before", "After"],
            update.configChanges.map(({ path, from = "", to = "" }) =>
              [path, from, to].map((cell) => `<code>${text(cell)}</code>`),
            ),
          ),
        ]),
  ];
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title><style>${style}</style></head>\n<body>\n${body.join("\n")}\n</body></html>\n`;
}

function timelineHtml(entries: readonly TimelineEntry[]): string {
  const times = entries.flatMap(({ from, to }) => [Date.parse(from), Date.parse(to ?? from)]);
  const start = Math.min(...times);
  const span = Math.max(Math.max(...times) - start, 1);
  const share = (time: number): string => (((time - start) / span) * 100).toFixed(2);
  const lines = entries.map(({ phase, what, from, to }) => {
    const [begin, end] = [Date.parse(from), Date.parse(to ?? from)];
    const width = (((end - begin) / span) * 99).toFixed(2);
    const bar = `<span class="bar" style="left:min(${share(begin)}%, calc(100% - 4px));width:${width}%;background:var(--${phase})"></span>`;
    const shown = to === undefined ? `+${seconds(begin - start)}` : seconds(end - begin);
    return `<span>${text(what)}</span><span class="lane" title="${text(`${from} ${to ?? ""}`)}">${bar}</span><span class="right">${shown}</span>`;
  });
  return `<div class="time">${lines.join("\n")}</div>`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function documentHtml(shown: string | undefined, document: unknown): string {
  if (shown === undefined) return "–";
  return `${text(shown)}<pre>${text(JSON.stringify(document, undefined, 1))}</pre>`;
}

function tableHtml(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "<p>None.</p>";
  const head = headers.map((header) => `<th>${text(header)}</th>`).join("");
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<table><tr>${head}</tr>\n${lines.join("\n")}</table>`;
}

function text(value: string): string {
  return value.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
