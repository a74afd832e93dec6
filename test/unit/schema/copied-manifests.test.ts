import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

const head = `config:
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }
  mcp-fleet:servers: { a: { image: a/b:1, port: 8000, row: false, `;

/** The problems of one server, as `path: problem`. */
function wrong(fields: string): string[] {
  return checkStackFile("x", `${head}${fields} } }\n`, integratedServers).problems.map(
    ({ path, problem }) => `${path}: ${problem}`,
  );
}

const rights = "serviceAccount: { rules: [{ resources: [pods], verbs: [get] }] }";
const token = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What the API server or the kubelet would reject, or what weakens the pod. */
const refused: Readonly<Record<string, [fields: string, says: RegExp]>> = {
  ...Object.fromEntries(
    [
      ["tmp", ""],
      ["writable-1", "writable: [/w], "],
      ["file-0", "files: { /f: { secret: s, key: k } }, "],
      ["secret-files", ""],
      ["api-access", `${rights}, `],
      ["s-tmp", "sidecars: [{ name: s, image: a/b:1 }], "],
      ["s-writable-1", "initContainers: [{ name: s, image: a/b:1, writable: [/w] }], "],
    ].map(([name, rest]) => [
      `a volume named ${name}`,
      [`${rest}volumes: { ${name}: { emptyDir: {} } }`, /is the name of a volume that the pod has/],
    ]),
  ),
  "a mount at /tmp with a slash behind it": [
    "volumes: { v: { claim: c, mount: /tmp/ } }",
    /taken by the directory for temporary files/,
  ],
  "a file at a mount": [
    "files: { /d: { secret: s, key: k } }, volumes: { v: { claim: c, mount: /d } }",
    /taken by files/,
  ],
  "a file at a directory that is written to": [
    "files: { /d: { secret: s, key: k } }, writable: [/d]",
    /taken by writable/,
  ],
  "two mounts of a sidecar at one place": [
    "volumes: { v: { claim: c }, w: { claim: d } }, sidecars: [{ name: s, image: a/b:1, mounts: { v: /x, w: /x } }]",
    /mounts\.w: "\/x" is taken by mounts\.v/,
  ],
  "a mount with dots": ["volumes: { v: { claim: c, mount: /data/../tmp } }", /plain path/],
  "a mount with a colon": ['volumes: { v: { claim: c, mount: "/a:b" } }', /plain path/],
  "a mount at the root": ["volumes: { v: { claim: c, mount: // } }", /plain path/],
  "a mount at the token's place": [
    `volumes: { v: { secret: s, mount: ${token} } }`,
    /account's token/,
  ],
  "a file at the token's place": [
    `files: { /run/secrets/kubernetes.io/serviceaccount/token: { secret: s, key: k } }`,
    /account's token/,
  ],
  "a part of a volume outside of it": [
    "volumes: { v: { claim: c, mount: /d, subPath: ../x } }",
    /must not lead out of the volume/,
  ],
  "a key of a Secret that is a path": [
    "files: { /f: { secret: s, key: a/../b } }",
    /letters, digits/,
  ],
  "a label with a space": ['podLabels: { "a b": c }', /name like tier/],
  "a label's value with a space": ['podLabels: { a: "b c" }', /63 letters/],
  "a label that selectors rest on": [
    "podLabels: { app.kubernetes.io/component: web }",
    /set by itself/,
  ],
  "a label of ours": ["podLabels: { mcp-fleet.dev/generation: x }", /set by itself/],
  "an annotation of ours": ["podAnnotations: { mcp-fleet.dev/api-rights: x }", /of this program/],
  "an annotation of ours on the Service": [
    "service: { type: LoadBalancer, sourceRanges: [10.0.0.0/8], annotations: { mcp-fleet.dev/path: /x } }",
    /of this program/,
  ],
  "an annotation without AppArmor": [
    "podAnnotations: { container.apparmor.security.beta.kubernetes.io/mcp-server: unconfined }",
    /AppArmor/,
  ],
  "an image with a scheme": ["sidecars: [{ name: s, image: 'https://a/b:1' }]", /no scheme/],
  "an image with upper case": ["sidecars: [{ name: s, image: 'a/B:1' }]", /lower-case/],
  "every right": [
    'serviceAccount: { rules: [{ resources: [pods], verbs: ["*"] }] }',
    /not all of them/,
  ],
  "a right to more rights": [
    "serviceAccount: { rules: [{ resources: [roles], verbs: [escalate] }] }",
    /every right that somebody has/,
  ],
  "the namespace's default account": ["serviceAccount: default", /account of its own/],
  "a request above its limit": [
    "resources: { requests: { memory: 2Gi }, limits: { memory: 1024M } }",
    /"2Gi" is above its limit "1024M"/,
  ],
  "a device without its limit": [
    "resources: { requests: { nvidia.com/gpu: 1 } }",
    /its limit is missing/,
  ],
  "more seconds than a field holds": ["startSeconds: 1.0e+300", /2147483 seconds at most/],
  "a user above what there is": ["user: 99999999999", /2147483647 at most/],
  "a header of two lines": ['headers: { X-A: "b\\r\\nC: d" }', /one line of ASCII/],
  "a header that clients set": ["headers: { Host: x }", /clients set/],
  "a port's name with two dashes": ["ports: { a--b: 9 }", /two dashes/],
  "an address twice": [
    "hostAliases: [{ ip: 10.0.0.1, hostnames: [a] }, { ip: 10.0.0.1, hostnames: [b] }]",
    /each address once/,
  ],
  "a host name of two words": [
    'hostAliases: [{ ip: 10.0.0.1, hostnames: ["a b"] }]',
    /host name in lower case/,
  ],
  "an exception outside of its range": [
    "egress: { to: [{ cidr: 10.0.0.0/8, except: [192.168.0.0/16] }] }",
    /lie in its range/,
  ],
  "a toleration that fits nothing": ["tolerations: [{ effect: NoSchedule }]", /must have a key/],
  "affinity of a misspelt kind": ["affinity: { nodeAfinity: {} }", /not a known key/],
  "a variable in a word of stdio": [
    "source: bridge, env: { TOKEN: { secret: s, key: k } }, stdio: [x, $(TOKEN)]",
    /reaches the server unchanged/,
  ],
  "a variable of another container's": [
    "env: { A: b }, sidecars: [{ name: s, image: 'a/b:1', env: { B: $(A) } }]",
    /has no secrets of the server/,
  ],
  "a variable in a pod's own form": [
    "env: { A: { value: b } }",
    /env\.A\.value: is not a known key/,
  ],
  "a variable of two forms": [
    "env: { A: { secret: a, configMap: c, key: b } }",
    /keys that exclude each other/,
  ],
  "NUL in a variable": ['env: { A: "a\\0b" }', /NUL/],
  "a program that is spaces": ["source: bridge, stdio: '  '", /must name a program/],
};

/** What charts contain and what is valid. */
const taken = [
  "volumes: { v: { claim: c, mount: /data/ } }, files: { /data/key.json: { secret: s, key: key.json } }",
  "podLabels: { example.com/cost-center: data, app: web }",
  'podAnnotations: { prometheus.io/scrape: "true", cluster-autoscaler.kubernetes.io/safe-to-evict: "false" }',
  "serviceAccount: { rules: [{ apiGroups: [apps, argoproj.io], resources: [deployments, applications], verbs: [get] }] }",
  "priorityClass: system.high",
  "resources: { requests: { memory: 1Gi }, limits: { memory: 1Gi, nvidia.com/gpu: 1 } }",
  "tolerations: [{ operator: Exists }, { key: a, operator: Equal, value: b, effect: NoExecute, tolerationSeconds: 5 }]",
  "egress: { to: [{ cidr: 10.0.0.0/8, except: [10.1.0.0/16] }, { cidr: 'fd00::/8', except: ['fd01::/16'] }] }",
  "sidecars: [{ name: s, image: 'localhost:5000/a_b/c__d-e.f:v1.2-x@sha256:0123456789abcdef' }]",
];

describe("what is copied from manifests and charts", () => {
  for (const [what, [fields, says]] of Object.entries(refused)) {
    it(`${what} is refused before the cluster is asked`, () => {
      const problems = wrong(fields);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", says);
    });
  }
  for (const fields of taken) it(`${fields} is taken`, () => assert.deepEqual(wrong(fields), []));
});
