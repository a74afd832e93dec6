import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { run } from "../../../lab/exec";
import {
  describeImage,
  type ImageConfig,
  type StoredLayer,
  writeArchive,
  writeLayer,
} from "../../../lab/images/archive";

const sha256 = (content: string | Buffer): string =>
  createHash("sha256").update(content).digest("hex");

interface Index {
  manifests: { digest: string; size: number; annotations: Record<string, string> }[];
}
interface Manifest {
  config: { digest: string; size: number };
  layers: { digest: string; size: number }[];
}
interface Config {
  architecture: string;
  config: Record<string, unknown>;
  rootfs: { diff_ids: string[] };
}

const image = (ref: string, layers: readonly StoredLayer[]): ImageConfig => ({
  ref,
  architecture: "amd64",
  entrypoint: ["supergateway"],
  args: ["--port", "8000"],
  env: { PORT: "9020" },
  port: 8000,
  stopSignal: "SIGINT",
  description: "for a test",
  layers,
});

describe("lab images: layers and archives", () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "mcp-fleet-images-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** The same content twice, made in another order, at another time and with other modes. */
  async function tree(name: string, backwards: boolean): Promise<string> {
    const root = join(dir, name);
    await mkdir(join(root, "opt", "app"), { recursive: true });
    const files = [
      ["opt/app/a.js", "a", 0o644],
      ["opt/app/run", "#!/bin/sh\n", 0o755],
    ] as const;
    for (const [file, text, mode] of backwards ? [...files].reverse() : files) {
      await writeFile(join(root, file), text);
      await chmod(join(root, file), backwards ? mode & 0o700 : mode);
      await utimes(join(root, file), backwards ? 1 : 2, backwards ? 1 : 2);
    }
    await symlink("/opt/app/run", join(root, "opt", "app", "link"));
    return root;
  }

  const layerOf = async (name: string, backwards = false): Promise<StoredLayer> =>
    writeLayer(name, await tree(name, backwards), ["opt"], join(dir, `${name}.tar`));

  it("gives a layer the same digest whatever the order, times, modes and owner on disk", async () => {
    const one = await layerOf("one");
    const two = await layerOf("two", true);
    assert.equal(one.digest, two.digest);
    assert.equal(one.digest, sha256(await readFile(one.file)));
    assert.equal(one.diffId, sha256(gunzipSync(await readFile(one.file))));
    assert.equal(one.size, (await readFile(one.file)).length);
  });

  it("changes the digest with the content, and with what may be executed", async () => {
    const one = await layerOf("one");
    const root = join(dir, "one");
    await writeFile(join(root, "opt/app/a.js"), "b");
    const content = await writeLayer("content", root, ["opt"], join(dir, "content.tar"));
    assert.notEqual(content.digest, one.digest);
    await chmod(join(root, "opt/app/a.js"), 0o755);
    const mode = await writeLayer("mode", root, ["opt"], join(dir, "mode.tar"));
    assert.notEqual(mode.digest, content.digest);
  });

  it("lists files as root's, readable by all, without set-user-id bits, whiteouts or what is excluded", async () => {
    const root = await tree("listed", true);
    await writeFile(join(root, "opt/app/su"), "x");
    await chmod(join(root, "opt/app/su"), 0o4755);
    await mkdir(join(root, "etc/apt"), { recursive: true });
    await writeFile(join(root, "etc/apt/sources.list"), "secret host");
    await writeFile(join(root, "etc/passwd"), "root");
    const layer = await writeLayer("listed", root, ["opt", "etc"], join(dir, "listed.tar"), {
      exclude: ["etc/apt"],
    });
    const listing = await run("tar", ["-tvf", layer.file, "--numeric-owner"]);
    const lines = listing.split("\n").filter((line) => line !== "");
    const named = (name: string): string | undefined => lines.find((line) => line.includes(name));
    assert.ok(named("opt/app/su")?.startsWith("-rwxr-xr-x 0/0"), listing);
    assert.ok(named("opt/app/a.js")?.startsWith("-rw-r--r-- 0/0"), listing);
    assert.ok(named("opt/app/link -> /opt/app/run"), listing);
    assert.ok(named("etc/passwd"), listing);
    assert.equal(named("etc/apt"), undefined);
    assert.equal(named(".wh."), undefined);
    assert.equal(lines[0]?.endsWith("etc/"), true, "sorted");
  });

  it("describes an image that runs as 65532 with its entrypoint, environment, port and layers", async () => {
    const layer = await layerOf("one");
    const { config, manifest } = describeImage(image("mcp-fleet.local/x:1", [layer]));
    const parsed = JSON.parse(config) as Config;
    assert.equal(parsed.architecture, "amd64");
    assert.deepEqual(parsed.config, {
      User: "65532:65532",
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "PORT=9020"],
      Entrypoint: ["supergateway"],
      Cmd: ["--port", "8000"],
      WorkingDir: "/",
      StopSignal: "SIGINT",
      Labels: { "org.opencontainers.image.description": "for a test" },
      ExposedPorts: { "8000/tcp": {} },
    });
    assert.deepEqual(parsed.rootfs.diff_ids, [`sha256:${layer.diffId}`]);
    const { config: ref, layers } = JSON.parse(manifest) as Manifest;
    assert.deepEqual(
      [ref.digest, ref.size],
      [`sha256:${sha256(config)}`, Buffer.byteLength(config)],
    );
    assert.deepEqual([layers[0]?.digest, layers[0]?.size], [`sha256:${layer.digest}`, layer.size]);
  });

  it("writes an archive whose every digest is right and which holds a shared layer once", async () => {
    const shared = await layerOf("one");
    const root = await tree("own", false);
    await writeFile(join(root, "opt/app/own"), "own");
    const own = await writeLayer("own", root, ["opt"], join(dir, "own.tar"));
    const file = join(dir, "images.tar");
    await writeArchive(
      [image("mcp-fleet.local/x:1", [shared]), image("mcp-fleet.local/y:2", [shared, own])],
      file,
    );
    const out = join(dir, "out");
    await mkdir(out);
    await run("tar", ["-xf", file, "-C", out]);
    const blob = async (digest: string): Promise<Buffer> => {
      const content = await readFile(join(out, "blobs", ...digest.split(":")));
      assert.equal(`sha256:${sha256(content)}`, digest);
      return content;
    };
    const index = JSON.parse(await readFile(join(out, "index.json"), "utf8")) as Index;
    assert.deepEqual(
      index.manifests.map((m) => m.annotations["io.containerd.image.name"]),
      ["mcp-fleet.local/x:1", "mcp-fleet.local/y:2"],
    );
    for (const entry of index.manifests) {
      const manifest = JSON.parse((await blob(entry.digest)).toString()) as Manifest;
      const config = JSON.parse((await blob(manifest.config.digest)).toString()) as Config;
      const layers = await Promise.all(manifest.layers.map((layer) => blob(layer.digest)));
      assert.deepEqual(
        config.rootfs.diff_ids,
        layers.map((layer) => `sha256:${sha256(gunzipSync(layer))}`),
      );
    }
    const names = (await run("tar", ["-tf", file])).split("\n");
    assert.equal(names.filter((name) => name.endsWith(shared.digest)).length, 1);
    assert.ok(names.includes("oci-layout"));
    const again = join(dir, "again.tar");
    await writeArchive([image("mcp-fleet.local/x:1", [shared])], again);
    await writeArchive([image("mcp-fleet.local/x:1", [shared])], file);
    assert.equal(sha256(await readFile(again)), sha256(await readFile(file)));
  });
});
