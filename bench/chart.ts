/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const width = 640;
const height = 360;
const frame = { left: 70, right: 20, top: 40, bottom: 50 };

/** A chart with both axes logarithmic, as SVG text. It reads on light and on dark pages. */
export function logLogChart(
  title: string,
  axes: { readonly x: string; readonly y: string },
  series: readonly Series[],
): string {
  const all = series.flatMap(({ points }) => points);
  const x = scale(
    all.map(([value]) => value),
    frame.left,
    width - frame.right,
  );
  const y = scale(
    all.map(([, value]) => value),
    height - frame.bottom,
    frame.top,
  );
  const lines = series.map(({ color, points }) => {
    const path = points.map(([a, b]) => `${x.at(a)},${y.at(b)}`).join(" ");
    const dots = points.map(
      ([a, b]) => `<circle cx="${x.at(a)}" cy="${y.at(b)}" r="3" fill="${color}"/>`,
    );
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join("")}`;
  });
  const legend = series.map(
    ({ name, color }, i) =>
      `<text x="${frame.left + 10 + i * 130}" y="${frame.top - 10}" fill="${color}">${name}</text>`,
  );
  const grid = [
    ...x.ticks.map(
      (value) =>
        `<line x1="${x.at(value)}" y1="${frame.top}" x2="${x.at(value)}" y2="${height - frame.bottom}"/><text x="${x.at(value)}" y="${height - frame.bottom + 18}" text-anchor="middle" stroke="none">${value.toLocaleString("en")}</text>`,
    ),
    ...y.ticks.map(
      (value) =>
        `<line x1="${frame.left}" y1="${y.at(value)}" x2="${width - frame.right}" y2="${y.at(value)}"/><text x="${frame.left - 6}" y="${y.at(value) + 4}" text-anchor="end" stroke="none">${value.toLocaleString("en")}</text>`,
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${width / 2}" y="16" text-anchor="middle" font-size="14" fill="#222">${title}</text>
<g stroke="#ddd" fill="#555">${grid.join("\n")}</g>
${legend.join("\n")}
${lines.join("\n")}
<text x="${width / 2}" y="${height - 10}" text-anchor="middle" fill="#555">${axes.x}</text>
<text x="16" y="${height / 2}" text-anchor="middle" fill="#555" transform="rotate(-90 16 ${height / 2})">${axes.y}</text>
</svg>
`;
}

function scale(
  values: readonly number[],
  from: number,
  to: number,
): { at(value: number): number; readonly ticks: readonly number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => Math.round(from + ((Math.log10(value) - low) / (high - low)) * (to - from)),
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  };
}
