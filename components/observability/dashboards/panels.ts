import { BigValueColorMode, BigValueGraphMode } from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** Grid units of a panel; a row is 24 wide. */
const height = 7;
const datasource = { type: "prometheus", uid: "${datasource}" };

/** Above which value a stat is red, or that only this value is green. */
export type Tone = { readonly badAbove: number } | { readonly badBelow: number };

/** A dashboard with a choice of data source and namespace, tagged so that each finds the others. */
export function board(uid: string, title: string, description: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["mcp-fleet"])
    .timezone("browser")
    .refresh("1m")
    .time({ from: "now-6h", to: "now" })
    .readonly()
    .withVariable(
      new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    );
}

/** A variable with the values of a label. `where` narrows it down by variables further up. */
export function labelVariable(name: string, label: string, metric: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(`label_values(${metric}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}

/** One number. */
export function stat(title: string, expr: string, tone: Tone, width = 4): StatBuilder {
  return new StatBuilder()
    .title(title)
    .datasource(datasource)
    .height(4)
    .span(width)
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .thresholds(steps(tone))
    .withTarget(query(expr).instant());
}

/** Lines over time, one for each series. */
export function lines(
  title: string,
  expr: string,
  legend: string,
  options: { readonly unit?: string; readonly width?: number } = {},
): TimeseriesBuilder {
  return new TimeseriesBuilder()
    .title(title)
    .datasource(datasource)
    .height(height)
    .span(options.width ?? 12)
    .unit(options.unit ?? "short")
    .min(0)
    .withTarget(query(expr).range().legendFormat(legend));
}

/** One row for each series that `expr` gives now. */
export function table(title: string, expr: string, tone: Tone, width = 12): TableBuilder {
  return new TableBuilder()
    .title(title)
    .datasource(datasource)
    .height(height)
    .span(width)
    .thresholds(steps(tone))
    .withTarget(query(expr).instant().format(PromQueryFormat.Table))
    .withTransformation({
      id: "organize",
      options: { excludeByName: { Time: true, __name__: true } },
    });
}

function query(expr: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(datasource).expr(expr).refId("A");
}

function steps(tone: Tone): ThresholdsConfigBuilder {
  const [from, low, high] =
    "badAbove" in tone ? [tone.badAbove, "green", "red"] : [tone.badBelow, "red", "green"];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: low },
    { value: from, color: high },
  ]);
}
