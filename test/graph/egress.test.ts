import assert from "node:assert/strict";
import { BlockList, isIPv6 } from "node:net";

import { cidrContains } from "@mcp-fleet/schema";

import { refusesEach, withExtra } from "../support/refusal";
import { fullStack, runProgram } from "../support/resources";

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}
interface Rule {
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
}

/** The egress rules of a server in a stack with these settings. */
async function egressOf(
  server: string,
  changes: Readonly<Record<string, unknown>> = {},
  secret: Readonly<Record<string, unknown>> = {},
): Promise<Rule[]> {
  const { recorder } = await runProgram({
    plain: { ...fullStack.plain, ...changes },
    secret: { ...fullStack.secret, ...secret },
  });
  const { inputs } = recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", server);
  return (inputs.spec as { egress: Rule[] }).egress;
}

/** Whether an address rule allows a connection, by the Kubernetes API's description. */
function reaches(rules: readonly Rule[], address: string, port: number): boolean {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const within = (cidrs: readonly string[]): boolean => {
    const list = new BlockList();
    // Node.js treats an IPv4 address as IPv6 too, unlike NetworkPolicies.
    for (const cidr of cidrs.filter((one) => isIPv6(address) === one.includes(":"))) {
      const [first = "", prefix] = cidr.split("/");
      list.addSubnet(first, Number(prefix), isIPv6(first) ? "ipv6" : "ipv4");
    }
    return list.check(address, family);
  };
  return rules.some(({ to, ports }) => {
    if (ports !== undefined && !ports.some((one) => one.port === port)) return false;
    return (
      to === undefined ||
      to.some(
        ({ ipBlock }) =>
          ipBlock !== undefined && within([ipBlock.cidr]) && !within(ipBlock.except ?? []),
      )
    );
  });
}

const dnsRule: Rule = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
  ],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const github = "llmctl-mcp-github";

describe("where a server may connect to (issue 16, item 8)", () => {
  it("is every public address, and no other, for the profile internet", async () => {
    const rules = await egressOf(github);
    for (const address of ["140.82.121.4", "1.1.1.1", "203.0.113.9", "2606:4700::1111", "2a00::1"])
      assert.ok(reaches(rules, address, 443), address);
    for (const address of [
      ...["10.96.0.1", "10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1"],
      ...["100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.170.2", "168.63.129.16"],
      ...["192.0.0.192", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1"],
      ...["::1", "::", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1"],
      ...["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"],
    ])
      assert.ok(!reaches(rules, address, 443), address);
    assert.ok(!rules.some((rule) => rule.to === undefined || rule.to.length === 0));
    assert.ok(
      !rules.some(({ to }) =>
        to?.some(
          (peer) =>
            peer.ipBlock === undefined && peer.podSelector?.matchLabels?.["k8s-app"] !== "kube-dns",
        ),
      ),
    );
  });

  it("is made of ranges that the API server takes: exceptions lie within, and none is of IPv4 by another name", async () => {
    const rules = await egressOf(github, { network: { clusterRanges: ["203.0.113.0/24"] } });
    for (const { ipBlock } of rules.flatMap(({ to = [] }) => to)) {
      if (ipBlock === undefined) continue;
      for (const except of ipBlock.except ?? []) {
        assert.ok(cidrContains(ipBlock.cidr, except) && ipBlock.cidr !== except, except);
        assert.ok(!/^::ffff:/i.test(except), except);
      }
    }
  });

  it("leaves out the cluster's own ranges where they are public ones", async () => {
    const network = { clusterRanges: ["203.0.113.0/24", "2a00:1::/48", "34.118.224.0/20"] };
    const rules = await egressOf(github, { network });
    assert.ok(!reaches(rules, "203.0.113.9", 443) && !reaches(rules, "2a00:1::7", 443));
    assert.ok(reaches(rules, "203.0.114.9", 443) && reaches(rules, "2a00:2::7", 443));
  });

  it("asks the cluster's DNS pods for names and nobody else, or whom the stack says", async () => {
    assert.deepEqual((await egressOf("llmctl-mcp-chroma"))[0], dnsRule);
    const dns = {
      namespace: "openshift-dns",
      labels: { "dns.operator.openshift.io/daemonset-dns": "default" },
      port: 5353,
      addresses: ["169.254.20.10/32"],
    };
    const [pods, cache] = await egressOf("llmctl-mcp-chroma", { network: { dns } });
    assert.deepEqual(pods, {
      to: [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "openshift-dns" } },
          podSelector: { matchLabels: dns.labels },
        },
      ],
      ports: [
        { protocol: "UDP", port: 5353 },
        { protocol: "TCP", port: 5353 },
      ],
    });
    assert.deepEqual(cache, {
      to: [{ ipBlock: { cidr: "169.254.20.10/32" } }],
      ports: dnsRule.ports,
    });
  });

  it("has no rule in the whole stack that is for ports alone but those of the API server's port", async () => {
    const { recorder } = await runProgram(fullStack);
    for (const { name, inputs } of recorder.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")) {
      const { egress = [] } = inputs.spec as { egress?: Rule[] };
      for (const { to, ports } of egress)
        assert.ok(to !== undefined || ports?.some(({ port }) => port === 53) !== true, name);
    }
  });

  it("names namespaces or pods for the profile cluster, else the pods of its own namespace", async () => {
    assert.deepEqual(await egressOf("llmctl-mcp-chroma"), [dnsRule, { to: [{ podSelector: {} }] }]);
    const egress = {
      profile: "cluster",
      pods: [
        { namespace: "vectors", labels: { app: "chroma" }, ports: [8000] },
        { namespace: "search" },
        { labels: { app: "own" } },
      ],
    };
    const servers = fullStack.plain.servers as Record<string, object>;
    const named = { servers: { ...servers, chroma: { ...servers.chroma, egress } } };
    const vectors = { matchLabels: { "kubernetes.io/metadata.name": "vectors" } };
    assert.deepEqual(await egressOf("llmctl-mcp-chroma", named), [
      dnsRule,
      {
        to: [{ namespaceSelector: vectors, podSelector: { matchLabels: { app: "chroma" } } }],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
      { to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "search" } } }] },
      { to: [{ podSelector: { matchLabels: { app: "own" } } }] },
    ]);
  });

  it("is no metadata address by a wider range", async () => {
    const egress = {
      to: [{ cidr: "0.0.0.0/0", ports: [80] }, { cidr: "::/0" }, { cidr: "10.0.0.0/8" }],
    };
    const rules = await egressOf("extra-mcp", withExtra({ egress }));
    assert.ok(reaches(rules, "10.1.2.3", 80) && reaches(rules, "1.1.1.1", 80));
    for (const address of ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"])
      assert.ok(!reaches(rules, address, 80), address);
    const meant = await egressOf(
      "extra-mcp",
      withExtra({ egress: { to: [{ cidr: "169.254.169.254/32" }] } }),
    );
    assert.ok(reaches(meant, "169.254.169.254", 80));
  });

  describe("of the server that reads the application's database", () => {
    const own = "llmctl-mcp";
    const url = (host: string): Record<string, unknown> => ({
      studioSecrets: { DATABASE_URL: `postgresql://app:own-secret@${host}/studio` },
    });
    const last = async (
      changes: Readonly<Record<string, unknown>>,
      secret: Readonly<Record<string, unknown>>,
    ): Promise<Rule | undefined> => (await egressOf(own, changes, secret)).at(-1);
    const tcp = (port: number): Rule["ports"] => [{ protocol: "TCP", port }];

    it("has the database's address out of the URL that its pods use", async () => {
      assert.deepEqual(await last({}, url("10.20.0.7:6432")), {
        to: [{ ipBlock: { cidr: "10.20.0.7/32" } }],
        ports: tcp(6432),
      });
      assert.deepEqual(await last({}, url("[fd00::7]")), {
        to: [{ ipBlock: { cidr: "fd00::7/128" } }],
        ports: tcp(5432),
      });
      assert.deepEqual(await last({}, url("pg.data.svc.cluster.local")), {
        to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "data" } } }],
        ports: tcp(5432),
      });
      assert.deepEqual(await last({}, url("postgres")), {
        to: [{ podSelector: {} }],
        ports: tcp(5432),
      });
    });

    it("has the database's port alone where a name says no address", async () => {
      const rules = await egressOf(own, {}, url("db.example.com:6432"));
      assert.ok(reaches(rules, "10.0.0.9", 6432) && !reaches(rules, "10.0.0.9", 5432));
      assert.ok(!reaches(rules, "169.254.169.254", 6432));
    });

    it("has what the stack says, and another server has it where it is told to", async () => {
      const network = { database: { cidr: "10.20.0.0/28", port: 25432 } };
      const rule = { to: [{ ipBlock: { cidr: "10.20.0.0/28" } }], ports: tcp(25432) };
      assert.deepEqual(await last({ network }, {}), rule);
      const extra = withExtra({ database: true });
      assert.deepEqual((await egressOf("extra-mcp", { network, ...extra })).at(-1), rule);
      const none = {
        servers: {
          ...(fullStack.plain.servers as object),
          [own]: { image: "registry.example/x:1.0.0", database: false },
        },
      };
      assert.deepEqual(await last({ network, ...none }, {}), { to: [{ podSelector: {} }] });
    });

    it("shows nothing of the URL but host and port", async () => {
      const { recorder } = await runProgram({
        ...fullStack,
        secret: { ...fullStack.secret, ...url("10.20.0.7") },
      });
      const { inputs } = recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", own);
      assert.ok(
        !/own-secret|studio"/.test(JSON.stringify((inputs.spec as { egress: unknown }).egress)),
      );
    });
  });

  refusesEach([
    {
      what: "pods without a namespace or labels",
      plain: withExtra({ egress: { profile: "cluster", pods: [{ ports: [80] }] } }),
      names: /servers\.extra\.egress/,
      fix: /namespace or labels/,
    },
    {
      what: "a database that is nowhere",
      plain: { network: { database: { port: 5432 } } },
      names: /network\.database/,
      fix: /cidr|namespace or labels/,
    },
    {
      what: "a cluster that is every address",
      plain: { network: { clusterRanges: ["0.0.0.0/0"] } },
      names: /network\.clusterRanges/,
      fix: /own ranges/,
    },
    {
      what: "DNS pods without a label",
      plain: { network: { dns: { labels: {} } } },
      names: /network\.dns\.labels/,
      fix: /at least one label/,
    },
  ]);
});
