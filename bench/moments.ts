import { componentLabel, mcpServerComponent } from "@mcp-fleet/kube";

import { labNamespace } from "../lab/companions";
import { labServers } from "../lab/config";
import type { Lab } from "../lab/session";
import { query } from "./query";

/** When things were seen by a look at the pods every 100 ms: Kubernetes' own times are whole seconds. */
export class Moments {
  private ready = 0;
  private probing = 0;
  private probed = 0;
  private over = false;

  private constructor(private readonly lab: Lab) {}

  /** Does `work`. @returns seconds between the last server's readiness and COMMIT that are not the probe's */
  static async during(lab: Lab, work: () => Promise<unknown>): Promise<number> {
    const moments = new Moments(lab);
    const looking = moments.look();
    try {
      await work();
    } finally {
      moments.over = true;
      await looking;
    }
    const [run] = await query<{ at: Date }>(
      lab,
      "select committed_at as at from mcp_cutover.run order by generation desc limit 1",
    );
    const { ready, probing, probed } = moments;
    if (ready === 0 || probed < probing) throw new Error("servers or probe were not seen");
    return (Number(run?.at) - ready - (probed - probing)) / 1000;
  }

  private async look(): Promise<void> {
    while (!this.over) {
      const { items } = await this.lab.kube.core.listNamespacedPod({ namespace: labNamespace });
      const servers = items.filter(
        ({ metadata }) => metadata?.labels?.[componentLabel] === mcpServerComponent,
      );
      const all = Object.keys(labServers(this.lab.facts.images)).length;
      const isReady = ({ status }: (typeof items)[number]): boolean =>
        status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ??
        false;
      if (this.ready === 0 && servers.filter(isReady).length === all) this.ready = Date.now();
      // Settle asks the servers again: only the first probe counts.
      const probes = items.filter(({ metadata }) => metadata?.name?.startsWith("mcp-probe-"));
      if (this.probing === 0 && probes.length > 0) this.probing = Date.now();
      const ended = probes.every(
        ({ status }) => status?.containerStatuses?.[0]?.state?.terminated !== undefined,
      );
      if (this.probed === 0 && probes.length > 0 && ended) this.probed = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
