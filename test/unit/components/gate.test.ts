import assert from "node:assert/strict";

import { gateProblems } from "@mcp-fleet/schema/dist/checks/gate";

import type { Server } from "../../../components/server/args";
import { gateSidecar } from "../../../components/server/gate";

/** As much of a server as its gate looks at. */
const server = (more: object): Server => {
  const least = {
    ...{ name: "tools", namespace: "n", port: 8000, path: "/mcp", ports: {}, headers: {} },
    ...{ gate: "start", gateImage: "probe:1", auth: "none", startSeconds: 60 },
    ...{ requiredTools: [], sidecars: [], initContainers: [] },
  };
  return { ...least, ...more } as unknown as Server;
};

describe("the gate of a server", () => {
  it("is told of names with dollar signs so that the kubelet leaves them alone", () => {
    const requiredTools = ["$(POD_IP)", "cost_in_$$"];
    const sidecar = gateSidecar(server({ path: "/$(POD_IP)/mcp", requiredTools }));
    const [, told] = (sidecar?.env ?? []) as { value: string }[];
    assert.ok(told !== undefined && !told.value.includes("$"));
    const { target } = JSON.parse(told.value) as {
      target: { url: string; requiredTools: string[] };
    };
    assert.deepEqual(target.requiredTools, requiredTools);
    assert.match(target.url, /\/\$\(POD_IP\)\/mcp$/);
  });

  it("has no list of tools that is longer than a variable can be", () => {
    const list = (count: number) =>
      server({
        requiredTools: Array.from({ length: count }, (_, index) => `get_weather_${index}`),
      });
    const problems = (own: Server) =>
      gateProblems("tools", own as never, { probe: { image: "probe:1" } } as never);
    assert.deepEqual(problems(list(5000)), []);
    assert.deepEqual(
      problems(list(10_000)).map(({ path }) => path),
      ["servers.tools.requiredTools"],
    );
  });
});
