import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import { planPromotion, refuseUnproved, type StackConfig } from "@mcp-fleet/operations";

function config(tag: string, replicas: number, more: object = {}): StackConfig {
  const plain = (value: unknown) => ({ value, secret: false });
  return {
    "mcp-fleet:namespace": plain(`llmctl-${replicas}`),
    "mcp-fleet:servers": plain({
      github: { image: `registry.example/github:${tag}`, replicas },
      atlassian: { replicas },
      ...more,
    }),
    "mcp-fleet:studio": plain({
      images: { embedded: "studio:1", "in-cluster": `studio:${tag}` },
      replicas,
    }),
    "mcp-fleet:databaseUrl": { value: `postgresql://u:secret-${tag}@h/d`, secret: true },
  };
}

const settled = { settled: true, findings: [] };
const verified = { generation: 3, failed: 0, servers: [] };

describe("a promotion", () => {
  it("takes images and leaves the rest of the stack as it is", () => {
    const dev = config("2.0.0", 1, { clock: { image: "clock:1" } });
    const prod = config("1.0.0", 2);
    const plan = planPromotion(dev, prod);
    assert.deepEqual(plan.config, {
      ...config("2.0.0", 2),
      "mcp-fleet:databaseUrl": prod["mcp-fleet:databaseUrl"],
    });
    assert.deepEqual(plan.images, [
      {
        path: "mcp-fleet:servers.github.image",
        from: "registry.example/github:1.0.0",
        to: "registry.example/github:2.0.0",
      },
      { path: "mcp-fleet:studio.images.in-cluster", from: "studio:1.0.0", to: "studio:2.0.0" },
    ]);
    assert.deepEqual(plan.missing, ["clock"]);
    assert.ok(plan.differences.some(({ path }) => path === "mcp-fleet:namespace"));
    assert.doesNotMatch(JSON.stringify(plan.differences), /secret-/);
  });

  it("changes nothing the second time", () => {
    const [dev, prod] = [config("2.0.0", 1), config("1.0.0", 2)];
    assert.deepEqual(planPromotion(dev, planPromotion(dev, prod).config).images, []);
  });

  it("is refused from a stack that is not settled, drifted or failed, or never cut over", () => {
    const problem = (drift: object, report: object): string => {
      try {
        refuseUnproved("dev", { ...settled, ...drift }, { ...verified, ...report });
        return "";
      } catch (error) {
        assert.ok(isUserError(error));
        return error.problem;
      }
    };
    const finding = { kind: "row-changed", subject: "github", detail: "" };
    assert.equal(problem({}, {}), "");
    assert.match(problem({ settled: false }, {}), /^Generation 3 of dev is not settled/);
    assert.match(
      problem({ findings: [finding] }, {}),
      /^Rows and cluster of dev differ in 1 place\.$/,
    );
    const github = { server: "github", ok: false };
    assert.match(problem({}, { failed: 1, servers: [github] }), /not as they should be: github/);
    assert.match(problem({}, { generation: 0 }), /^dev has not been cut over yet/);
  });
});
