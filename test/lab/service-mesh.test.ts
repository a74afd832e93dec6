import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { missingKinds } from "@mcp-fleet/cluster";
import { connectKube } from "@mcp-fleet/kube";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import type { KubeObject } from "../../render/objects";
import { render } from "../../render/render";
import { eventually } from "../support/eventually";
import {
  closeExample,
  dryRun,
  type Example,
  onCluster,
  openExample,
  writeList,
} from "../support/example";
import { istioDefinitions } from "../support/istio";
import { refusal } from "../support/lab";

const namespace = `istio-${randomBytes(3).toString("hex")}`;

const kinds = [
  { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" },
  { apiVersion: "networking.istio.io/v1", kind: "DestinationRule" },
  { apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
];

/** The kind that a CustomResourceDefinition of this spec defines. */
const definedKind = (spec: unknown): string =>
  (spec as { readonly names: { readonly kind: string } }).names.kind;

/** A stack with Istio, before and after its definitions are in the cluster. Istio itself does not run here. */
describe("a service mesh that the stack names", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let kube: Kube;
  let example: Example;
  let definitions: string;
  let missing: () => Promise<number>;

  before(async function () {
    this.timeout(30 * 60_000);
    const found = await istioDefinitions();
    if (typeof found === "string") {
      process.stdout.write(`    skipped: ${found}\n`);
      this.skip();
    }
    cluster = await ensureCluster(consoleLog());
    const { kubeconfig, context } = cluster;
    const connected = await connectKube({ context }, { kubeconfig });
    missing = async () => (await missingKinds(connected, kinds)).length;
    if ((await missing()) < kinds.length) {
      process.stdout.write("    skipped: this cluster has Istio's definitions\n");
      this.skip();
    }
    kube = await openKube({ kubeconfig, context });
    example = openExample("examples/mesh/stack", cluster, {
      ...{ namespace, observability: { enabled: false } },
    });
    const wanted = new Set(kinds.map(({ kind }) => kind));
    const ours = found.filter(({ spec }) => wanted.has(definedKind(spec)));
    assert.equal(ours.length, kinds.length);
    definitions = write("definitions.json", ours);
  });

  after(async () => {
    if (example === undefined) return;
    // Not awaited: the API server may take minutes to find objects of a new definition.
    await onCluster(cluster, "delete", "--ignore-not-found", "--wait=false", "-f", definitions);
    await kube.core.deleteNamespace({ name: namespace }).catch(() => undefined);
    closeExample(example);
  });

  const write = (name: string, objects: readonly KubeObject[]): string =>
    writeList(join(example.directory, name), objects);

  it("is refused where the cluster has none of it, in the preview too, and nothing is made", async () => {
    const names = kinds.map(({ apiVersion, kind }) => `${kind} (${apiVersion})`).join(", ");
    const said = `[mesh.serviceMesh.kind] needs objects of ${names}, which the cluster does not know.\nInstall Istio`;
    for (const run of [example.preview(), example.run("up")]) {
      const text = await refusal(run);
      assert.ok(text.includes(said), text);
    }
    const { items } = await kube.core.listNamespace();
    assert.ok(!items.some(({ metadata }) => metadata?.name === namespace));
  });

  it("is taken where it has: the API server takes every object, no field of it unknown", async () => {
    await onCluster(cluster, "apply", "--server-side", "-f", definitions);
    await eventually("Istio's kinds are served", async () => (await missing()) === 0);
    const { changes, warnings } = await example.preview();
    assert.deepEqual(warnings, []);
    assert.ok(changes.some(({ urn }) => urn.includes("VirtualService")));

    const { objects } = await render({ file: example.file, directory: example.directory });
    const ours = objects.filter(({ apiVersion }) => apiVersion.includes("istio.io/"));
    // PeerAuthentication once; the other two for the registry and each of two agents.
    assert.equal(ours.length, 7);
    await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
    const taken = await dryRun(cluster, "-f", write("objects.json", ours));
    assert.equal(taken.length, ours.length, taken.join("\n"));
    const [first] = ours.filter(({ kind }) => kind === "VirtualService");
    const wrong = write("wrong.json", [{ ...(first as KubeObject), spec: { hots: ["greeter"] } }]);
    await assert.rejects(dryRun(cluster, "-f", wrong), /hots/);
  });
});
