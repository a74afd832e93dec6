import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { dashboards } from "../../components/observability";
import { run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { filled } from "./dashboards";
import type { Scraper } from "./prometheus";

/** Not a dependency of the project: it draws one picture of the docs. */
const version = "6.1.0";
const place = join(paths.cache, `echarts-${version}`);

/** Pixels of a column and of a row of Grafana's grid, and of the head above. */
const unit = { column: 50, row: 26 };
const head = 60;
const ink = { text: "#222", faint: "#666", frame: "#ddd" };
const palette = ["#3274d9", "#e0752d", "#5b9f3d", "#a352cc", "#c4162a", "#8a6d00"];

/** The part of a panel that is drawn. */
interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds?: { readonly steps: readonly Step[] };
    };
  };
  readonly targets: readonly [{ readonly expr: string; readonly legendFormat?: string }];
}

interface Step {
  readonly value: number | null;
  readonly color: string;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The part of ECharts' options that is used. */
interface Drawing {
  readonly graphic: object[];
  readonly grid: object[];
  readonly xAxis: object[];
  readonly yAxis: object[];
  readonly series: object[];
}

/**
 * A dashboard's panels with what a Prometheus answers to their queries, drawn by ECharts as SVG. It is no Grafana: it
 * shows the panels' queries, places, titles and thresholds.
 * @param values what is chosen for the dashboard's variables
 * @param seconds how far back the lines go
 */
export async function drawDashboard(
  prometheus: Scraper,
  name: string,
  values: Readonly<Record<string, string>>,
  seconds: number,
): Promise<string> {
  const board = dashboards()[name];
  if (board === undefined) throw new Error(`there is no dashboard ${name}`);
  const panels = (board.panels ?? []) as unknown as Panel[];
  const height = head + unit.row * Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const drawing: Drawing = { graphic: [], grid: [], xAxis: [], yAxis: [], series: [] };
  drawing.graphic.push(
    text({ left: 12, top: 10 }, board.title ?? name, 18),
    text(
      { left: 12, top: 36 },
      "The panels' queries, answered by a Prometheus that scrapes the lab, drawn with ECharts. Not a picture of Grafana.",
      12,
      ink.faint,
    ),
  );
  for (const panel of panels) {
    const box = boxOf(panel);
    drawing.graphic.push(
      frame(box),
      text({ left: box.left + 10, top: box.top + 8 }, panel.title, 13),
    );
    const expr = filled(panel.targets[0].expr, values);
    if (panel.type === "timeseries") {
      drawLines(drawing, panel, box, await prometheus.range(expr, seconds));
    } else if (panel.type === "stat") {
      const [value] = await prometheus.query(expr);
      drawing.graphic.push(statOf(panel, box, value?.value));
    } else {
      drawing.graphic.push(...rowsOf(panel, box, await prometheus.query(expr)));
    }
  }
  return render(drawing, 24 * unit.column + 12, height + 6);
}

function boxOf({ gridPos: { x, y, w, h } }: Panel): Box {
  return {
    left: 6 + x * unit.column + 3,
    top: head + y * unit.row + 3,
    width: w * unit.column - 6,
    height: h * unit.row - 6,
  };
}

function frame({ left: x, top: y, width, height }: Box): object {
  const style = { fill: "#fff", stroke: ink.frame, lineWidth: 1 };
  return { type: "rect", shape: { x, y, width, height, r: 3 }, style, silent: true };
}

function text(
  { left: x, top: y }: Pick<Box, "left" | "top">,
  said: string,
  size: number,
  fill: string = ink.text,
): object {
  return { type: "text", style: { text: said, x, y, fill, font: `${size}px sans-serif` } };
}

/** The colour of the last step that the value reaches, as in Grafana. */
function colorOf({ fieldConfig }: Panel, value: number): string {
  const steps = fieldConfig.defaults.thresholds?.steps ?? [];
  const reached = steps.filter((step) => step.value === null || value >= step.value);
  return reached.at(-1)?.color === "red" ? "#c4162a" : "#37872d";
}

function statOf(panel: Panel, box: Box, value: number | undefined): object {
  const place = { left: box.left + 12, top: box.top + 36 };
  if (value === undefined) return text(place, "No data", 22, ink.faint);
  const seconds = panel.fieldConfig.defaults.unit === "s";
  return text(place, `${round(value)}${seconds ? " s" : ""}`, 34, colorOf(panel, value));
}

type Series = Awaited<ReturnType<Scraper["query"]>>;

function rowsOf(panel: Panel, box: Box, series: Series): object[] {
  const line = 16;
  const most = Math.floor((box.height - 34) / line);
  const rows = series.slice(0, most).flatMap(({ labels, value }, index) => {
    const top = box.top + 32 + index * line;
    const named = Object.entries(labels).filter(([key]) => key !== "__name__");
    const said = named.map(([key, label]) => `${key} ${label}`).join("   ");
    return [
      text({ left: box.left + 12, top }, said, 12),
      text({ left: box.left + box.width - 30, top }, round(value), 12, colorOf(panel, value)),
    ];
  });
  return series.length === 0
    ? [text({ left: box.left + 12, top: box.top + 36 }, "No data", 14, ink.faint)]
    : rows;
}

function drawLines(
  drawing: Drawing,
  { targets: [{ legendFormat = "" }], fieldConfig }: Panel,
  { left, top, width, height }: Box,
  series: Awaited<ReturnType<Scraper["range"]>>,
): void {
  const index = drawing.grid.length;
  drawing.grid.push({ left: left + 46, top: top + 32, width: width - 66, height: height - 74 });
  const axis = { gridIndex: index, axisLabel: { color: ink.faint, fontSize: 10 } };
  const seconds = fieldConfig.defaults.unit === "s";
  drawing.xAxis.push({ ...axis, type: "time", splitNumber: 4 });
  drawing.yAxis.push({
    ...axis,
    ...{ type: "value", min: 0, splitNumber: 3, splitLine: { lineStyle: { color: ink.frame } } },
    axisLabel: { ...axis.axisLabel, formatter: seconds ? "{value} s" : "{value}" },
  });
  const step = Math.min(120, (width - 60) / Math.max(1, series.length));
  series.forEach(({ labels, points }, at) => {
    const color = palette[at % palette.length] ?? ink.text;
    drawing.series.push({
      ...{ type: "line", xAxisIndex: index, yAxisIndex: index, showSymbol: false },
      ...{ lineStyle: { width: 1.5, color }, data: points.map(([x, y]) => [x * 1000, y]) },
    });
    const legend = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, key: string) => labels[key] ?? "");
    drawing.graphic.push(
      text({ left: left + 46 + at * step, top: top + height - 16 }, legend, 11, color),
    );
  });
}

const round = (value: number): string => String(Number(value.toPrecision(3)));

/** The part of ECharts that is used. */
interface ECharts {
  init(
    dom: null,
    theme: null,
    options: object,
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void };
}

async function render(drawing: Drawing, width: number, height: number): Promise<string> {
  if (!existsSync(join(place, "node_modules", "echarts"))) {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "package.json"), `${JSON.stringify({ private: true })}\n`);
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
    await run("npm", ["install", ...options, `echarts@${version}`], {
      ...{ cwd: place, timeoutSeconds: 180 },
    });
  }
  const echarts = createRequire(join(place, "package.json"))("echarts") as ECharts;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ ...drawing, animation: false, backgroundColor: "#fff" });
  try {
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
