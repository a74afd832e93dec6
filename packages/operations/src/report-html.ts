import type { CutoverReport } from "./report";
import { reportStyle } from "./report-style";
import { text } from "./report-text";
import { timelineHtml } from "./report-timeline";
import { type Step, verdictOf } from "./report-verdict";

/** How many digits of a commit are shown. */
const shortCommit = 12;

/**
 * A self-contained page: no script, nothing loaded from elsewhere. The verdict and the next steps come first,
 * ids and hashes last.
 */
export function reportHtml(report: CutoverReport): string {
  const { cutover, run, rows, timeline, update, gaps } = report;
  const verdict = verdictOf(report);
  const title = `${cutover}: generation ${run.generation}, ${run.target}`;
  const body = [
    `<div class="verdict ${verdict.state}"><p class="soft">${text(title)}</p>`,
    `<h1>${text(verdict.text)}</h1>`,
    `<ol class="next">${verdict.next.map(stepHtml).join("")}</ol></div>`,
    factsHtml(firstFacts(report)),
    "<h2>Timeline</h2>",
    timelineHtml(timeline, update?.startedAt),
    ...gaps.map((gap) => `<p class="soft">${text(gap)}</p>`),
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
      ["Server", "MCP version agreed on", "Tools", "Names"],
      Object.entries(run.tools ?? {}).map(([server, tools]) => [
        text(server),
        text(agreedText(run.protocols?.[server] ?? {})),
        String(tools.length),
        `<span class="tools">${tools.map((tool) => `<code>${text(tool)}</code>`).join(" ")}</span>`,
      ]),
    ),
    ...(run.images === undefined
      ? []
      : [
          "<h2>Images the servers ran then</h2>",
          tableHtml(
            ["Server", "Container", "Image"],
            imagesIn(run).map((cells) => cells.map(text)),
          ),
        ]),
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
    `<details><summary>For comparing: ids and hashes</summary>${factsHtml([
      ["Commit of the program", run.commit],
      ["Run", run.runId],
      ["Hash of the plan", run.planHash],
      ["mcp-fleet", run.toolVersion],
    ])}</details>`,
  ];
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${text(title)}</title><style>${reportStyle}</style></head>\n<body>\n${body.join("\n")}\n</body></html>\n`;
}

/** Server, container and image with its digest, one line each; a container whose pods differ has several. */
export function imagesIn({ images = {} }: CutoverReport["run"]): [string, string, string][] {
  return Object.entries(images).flatMap(([server, containers]) =>
    Object.entries(containers).flatMap(([container, list]) =>
      list.map((image): [string, string, string] => [server, container, image]),
    ),
  );
}

/** One version if all consumers agreed on the same, else each with its consumer. */
function agreedText(agreed: Readonly<Record<string, string>>): string {
  const versions = [...new Set(Object.values(agreed))];
  if (versions.length <= 1) return versions[0] ?? "";
  return Object.entries(agreed)
    .map(([consumer, version]) => `${consumer}: ${version}`)
    .join(", ");
}

type Fact = readonly [name: string, value: string | undefined];

function firstFacts({ run, update }: CutoverReport): Fact[] {
  const dirty = update?.dirty === true ? ", with changes that are in no commit" : "";
  return [
    ["Stack", run.stack],
    ["Run by", run.who],
    [
      "Commit of the program",
      run.commit === undefined ? undefined : `${run.commit.slice(0, shortCommit)}${dirty}`,
    ],
    [
      "Update of the stack",
      update === undefined
        ? undefined
        : `${update.version}${update.succeeded ? "" : ", failed"}${update.message === undefined ? "" : `: ${update.message}`}`,
    ],
    ["Rows committed", run.committedAt],
    ["Settled", run.settledAt ?? "not yet"],
    [
      "Rows",
      Object.entries(run.counts)
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${count} ${what}`)
        .join(", "),
    ],
    ["Write fence", run.fenced ? `held off ${run.fencedWrites} writes of old pods` : "none"],
  ];
}

function factsHtml(facts: readonly Fact[]): string {
  const shown = facts.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`<dt>${text(name)}</dt><dd>${text(value)}</dd>`],
  );
  return `<dl class="facts">${shown.join("")}</dl>`;
}

function stepHtml({ what, command }: Step): string {
  const run = command === undefined ? "" : `: <code>${text(command)}</code>`;
  return `<li>${text(what.replace(/[.:]$/, ""))}${run === "" ? "." : run}</li>`;
}

function documentHtml(shown: string | undefined, document: unknown): string {
  if (shown === undefined) return "–";
  return `${text(shown)}<pre>${text(JSON.stringify(document, undefined, 1))}</pre>`;
}

function tableHtml(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "<p>None.</p>";
  const head = headers.map((header) => `<th>${text(header)}</th>`).join("");
  const lines = rows.map((cells) => {
    const columns = cells.map(
      (cell, column) => `<td data-label="${text(headers[column] ?? "")}">${cell}</td>`,
    );
    return `<tr>${columns.join("")}</tr>`;
  });
  return `<table><tbody><tr>${head}</tr>\n${lines.join("\n")}</tbody></table>`;
}
