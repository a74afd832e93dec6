import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

/** The problems of servers in a stack file, as `path: problem`. */
function wrong(servers: string): string[] {
  const file = `config:
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }
  mcp-fleet:servers: { ${servers} }
`;
  return checkStackFile("x", file, integratedServers).problems.map(
    ({ path, problem }) => `${path}: ${problem}`,
  );
}

const server = (fields: string, key = "a"): string =>
  `${key}: { image: a/b:1, port: 8000, row: false, ${fields} }`;
const data = (template: string, more = "mount: /data"): string =>
  `volumes: { data: { ${more}, claimTemplate: { ${template} } } }`;

const refused: Readonly<Record<string, [fields: string, says: RegExp]>> = {
  "no size": [data("storageClass: fast"), /data\.claimTemplate\.size: /],
  "a size that is none": [data("size: 10GB"), /size: must be an amount of bytes/],
  "a negative size": [data("size: -1Gi"), /size: must be an amount of bytes/],
  "more pods than there may be": [
    `${data("size: 1Gi")}, replicas: 101`,
    /replicas: must be 100 at most/,
  ],
  "a size of nothing": [data("size: 0Gi"), /size: must be above 0/],
  "a mode of reading alone": [data("size: 1Gi, accessModes: [ReadOnlyMany]"), /accessModes/],
  "no mode": [data("size: 1Gi, accessModes: []"), /accessModes: must name a mode/],
  "a mode for one pod beside another": [
    data("size: 1Gi, accessModes: [ReadWriteOncePod, ReadWriteOnce]"),
    /must have ReadWriteOncePod alone/,
  ],
  "a storage class that is no name": [data("size: 1Gi, storageClass: Fast"), /lower-case letters/],
  "a claim that exists in the same volume": [
    data("size: 1Gi", "mount: /data, claim: tools-data"),
    /^servers\.a\.volumes\.data: must have exactly one of claim, claimTemplate/,
  ],
  "a new claim that nothing writes to": [
    data("size: 1Gi", "mount: /data, readOnly: true"),
    /must not be readOnly with a claimTemplate/,
  ],
  "a claim that no container mounts": [
    data("size: 1Gi", "subPath: x"),
    /^servers\.a\.volumes\.data\.mount: is missing, and no other container mounts the volume/,
  ],
  "the strategy of a Deployment": [
    `${data("size: 1Gi")}, strategy: rolling`,
    /^servers\.a\.strategy: has no effect on a server with a claimTemplate/,
  ],
  "the transform of a Deployment": [
    `${data("size: 1Gi")}, transform: { deployment: { metadata: {} } }`,
    /^servers\.a\.transform\.deployment: changes nothing: the server is a StatefulSet/,
  ],
  "the transform of a StatefulSet without a claim": [
    "transform: { statefulSet: { metadata: {} } }",
    /^servers\.a\.transform\.statefulSet: changes nothing: the server is a Deployment, since no/,
  ],
  "a name that leaves no room for the label of its pods": [
    `${data("size: 1Gi")}, name: ${"a".repeat(53)}`,
    /^servers\.a\.name: "a{53}" is too long/,
  ],
  "several pods that keep sessions": [
    `${data("size: 1Gi")}, session: stateful, replicas: 2`,
    /sessions in its process/,
  ],
  "a place that something else has": [
    data("size: 1Gi", "mount: /tmp"),
    /taken by the directory for temporary files/,
  ],
};

const taken = [
  data("size: 10737418240"),
  data("size: 10Gi, storageClass: fast, accessModes: [ReadWriteOnce]"),
  data("size: 1Gi, accessModes: [ReadWriteOncePod]"),
  `${data("size: 1Gi", "subPath: x")}, sidecars: [{ name: s, image: 'a/b:1', mounts: { data: /x } }]`,
  `${data("size: 1Gi")}, replicas: 3, disruptionBudget: {}, spreadOver: [topology.kubernetes.io/zone]`,
  `${data("size: 1Gi")}, autoscaling: { minReplicas: 1, maxReplicas: 3 }`,
  `${data("size: 1Gi")}, transform: { statefulSet: { spec: { minReadySeconds: 5 } } }`,
  // The old pod stops before the new one starts, and with it its use of the other claim.
  "volumes: { data: { mount: /data, claimTemplate: { size: 1Gi } }, shared: { claim: c, mount: /s } }",
  `name: ${"a".repeat(63)}`,
];

describe("a server with claims of its own", () => {
  for (const [what, [fields, says]] of Object.entries(refused))
    it(`${what} is refused`, () => {
      const problems = wrong(server(fields));
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", says);
    });

  for (const fields of taken)
    it(`${fields} is taken`, () => assert.deepEqual(wrong(server(fields)), []));

  it("has no claims of another server's name", () => {
    const volume = (name: string): string =>
      `volumes: { ${name}: { mount: /d, claimTemplate: { size: 1Gi } } }`;
    const [first, second] = [
      server(`name: tools-mcp, ${volume("data")}`, "a"),
      server(`name: mcp, ${volume("data-tools")}`, "b"),
    ];
    assert.deepEqual(wrong(`${first}, ${second}`), [
      "servers.b.volumes.data-tools: has claims of the name data-tools-mcp-0, as servers.a.volumes.data has.",
    ]);
  });
});
