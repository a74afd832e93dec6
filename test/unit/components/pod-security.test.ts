import assert from "node:assert/strict";

import { cidrContains, isCidr } from "@mcp-fleet/schema";

import { podTemplateOf, restrictedProblems } from "../../../components/core";
import { rulesWithin } from "../../../components/core/policy-width";

const strong = {
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "one",
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  },
};

describe("the restricted profile (issue 16, item 7)", () => {
  it("has nothing to say about a pod that keeps it", () => {
    assert.deepEqual(restrictedProblems(strong), []);
  });

  it("is found in every kind of object that makes pods", () => {
    const objects = {
      Pod: [strong, ""],
      Deployment: [{ spec: { template: strong } }, "spec.template."],
      Job: [{ spec: { template: strong } }, "spec.template."],
      CronJob: [
        { spec: { jobTemplate: { spec: { template: strong } } } },
        "spec.jobTemplate.spec.template.",
      ],
      PodTemplate: [{ template: strong }, "template."],
    } as const;
    for (const [kind, [object, at]] of Object.entries(objects))
      assert.deepEqual(podTemplateOf(object), { at, template: strong }, kind);
    for (const object of [{}, { data: {} }, { spec: { selector: {} } }, null])
      assert.equal(podTemplateOf(object), undefined);
  });

  it("takes rubbish for weak, and never for a pod that keeps it", () => {
    for (const rubbish of [undefined, null, 7, "x", [], { spec: null }, { spec: [] }])
      assert.notDeepEqual(restrictedProblems(rubbish), [], JSON.stringify(rubbish));
    for (const containers of [7, "x", [null], [7], [[]], {}])
      assert.notDeepEqual(
        restrictedProblems({ spec: { ...strong.spec, containers } }),
        [],
        JSON.stringify(containers),
      );
  });

  it("knows ranges of addresses", () => {
    assert.ok(cidrContains("10.0.0.0/8", "10.96.0.0/12"));
    assert.ok(!cidrContains("10.96.0.0/12", "10.0.0.0/8"));
    assert.ok(!cidrContains("10.0.0.0/8", "::/0"));
    assert.ok(cidrContains("fc00::/7", "fd12:3456::1/128"));
    assert.ok(cidrContains("::ffff:10.0.0.0/104", "::ffff:10.1.2.3/128"));
    assert.ok(!cidrContains("fe80::/10", "fd00::/8"));
    for (const bad of ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "fe80::1%eth0/64", "x/8"])
      assert.ok(!isCidr(bad), bad);
  });

  it("counts peers and ports together: what one rule allows with one port is not allowed with another's", () => {
    const a = { podSelector: { matchLabels: { app: "a" } } };
    const b = { podSelector: { matchLabels: { app: "b" } } };
    const before = [
      { from: [a], ports: [{ port: 1 }] },
      { from: [b], ports: [{ port: 2 }] },
    ];
    const within = (rules: unknown): boolean => rulesWithin("from", rules, before);
    assert.ok(within([]) && within(before) && within([before[0]]) && within(undefined));
    assert.ok(!within([{ from: [a, b], ports: [{ port: 1 }] }]));
    assert.ok(!within([{ from: [a] }]) && !within([{ ports: [{ port: 1 }] }]));
    assert.ok(!within([{ from: [], ports: [{ port: 1 }] }]) && !within([null]) && !within({}));
    assert.ok(!within([{ from: [{ namespaceSelector: {}, ...a }], ports: [{ port: 1 }] }]));
    const anywhere = [{ to: [{ namespaceSelector: {} }] }];
    assert.ok(rulesWithin("to", [{ to: [a] }], anywhere));
    assert.ok(!rulesWithin("to", [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }], anywhere));
  });
});
