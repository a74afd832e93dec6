import { type LayoutRules, rulesOf } from "../decide/layout";
import type { CutoverSpec } from "../decide/spec";
import type { Layout } from "./layout";
import { rowPerServer } from "./row-per-server";
import { rowPerTenant } from "./row-per-tenant";

const layouts: Readonly<Record<LayoutRules["name"], Layout>> = {
  "row per server": rowPerServer,
  "row per tenant": rowPerTenant,
};

/** The layout of the configured table. */
export function layoutOf({ table }: Pick<CutoverSpec, "table">): Layout {
  return layouts[rulesOf(table).name];
}
