import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { parse } from "yaml";

const root = join(__dirname, "..", "..", "..");
const directory = join(root, "images");
const dockerfiles = readdirSync(directory, { recursive: true, encoding: "utf8" })
  .filter((file) => /(^|\/)Dockerfile$/.test(file))
  .map((file) => [file, readFileSync(join(directory, file), "utf8")] as const);

/** The value of an `ARG` at the top in a reference. */
function resolved(text: string, reference: string): string {
  return reference.replace(
    /\$\{(\w+)\}/g,
    (_, name: string) => new RegExp(`^ARG ${name}=(.+)$`, "m").exec(text)?.[1] ?? "",
  );
}

/** The version of an image's main program, where it is pinned. */
function versionIn(image: string, dockerfile: string): string | undefined {
  const python: Record<string, string> = {
    ...{ atlassian: "mcp-atlassian", chroma: "chroma-mcp", fastmcp: "fastmcp" },
    ...{ "google-workspace": "workspace-mcp", "mesh-agent": "mcp-mesh" },
  };
  const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
  if (image in python) {
    const requirements = read("images", image, "requirements.txt");
    return new RegExp(`^${python[image]}==(\\S+)`, "m").exec(requirements)?.[1];
  }
  if (image === "github") return /^ARG GITHUB_MCP_SERVER=v(.+)$/m.exec(dockerfile)?.[1];
  if (image === "google-cloud") {
    return /gcloud-mcp": "(.+)"/.exec(read("images", image, "package.json"))?.[1];
  }
  return (JSON.parse(read("package.json")) as { version: string }).version;
}

describe("the images' Dockerfiles", () => {
  it("start from exact versions", () => {
    assert.ok(dockerfiles.length >= 9);
    for (const [file, text] of dockerfiles) {
      const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, one = ""]) => resolved(text, one));
      const exact = /:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/;
      assert.deepEqual(
        bases.filter((base) => !exact.test(base)),
        [],
        file,
      );
    }
  });

  it("install by lock and hash only, and end as nobody", () => {
    for (const [file, text] of dockerfiles) {
      for (const [line] of text.matchAll(/(pip3? install|npm (ci|install|i)\b)[^\n]*/g)) {
        assert.match(line, /^npm ci .*--ignore-scripts|^pip install .*--require-hashes/, file);
      }
      const last = text.slice(text.lastIndexOf("\nFROM "));
      assert.match(last, /\nUSER 65532:65532\n/, file);
      assert.doesNotMatch(text, /curl|wget|ADD http/, file);
    }
  });

  it("start what is in the image", () => {
    for (const [file, text] of dockerfiles) {
      const start = /\nENTRYPOINT [^]*$/.exec(text)?.[0] ?? "";
      assert.notEqual(start, "", file);
      assert.doesNotMatch(start, /npx|uvx|pipx|install|@latest/, file);
    }
  });

  it("say the version of what is in them, which is their tag", () => {
    for (const [file, text] of dockerfiles) {
      const name = file.replace("/Dockerfile", "");
      const version = /^LABEL org\.opencontainers\.image\.version="(.+)"$/m.exec(text)?.[1];
      assert.equal(version, versionIn(name, text), file);
    }
  });

  it("are built by `make images`, which says what to set and refuses what it cannot do", async () => {
    const bin = mkdtempSync(join(tmpdir(), "mcp-fleet-builder-"));
    const log = join(bin, "log");
    writeFileSync(join(bin, "podman"), `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 });
    const build = (env: Record<string, string>) =>
      execa(join(directory, "build.sh"), {
        reject: false,
        env: { PATH: `${bin}:/usr/bin:/bin`, ...env },
      });
    const images = { IMAGES: "probe github fastmcp", BUILDER: "podman" };
    const done = await build({ ...images, REGISTRY: "r.example/team", PUSH: "1" });
    assert.equal(
      done.stdout,
      "pulumi config set --path probe.image r.example/team/probe:0.1.0\n" +
        "pulumi config set --path servers.github.image r.example/team/github:1.10.1",
    );
    assert.match(
      readFileSync(log, "utf8"),
      /build -f images\/github\/Dockerfile -t r\.example\/team\/github:1\.10\.1 \.\npush r\.example/,
    );
    for (const [env, said] of [
      [images, /^REGISTRY is not set/],
      [{ ...images, REGISTRY: "https://r.example/" }, /^REGISTRY is "https/],
      [{ ...images, REGISTRY: "r.example", IMAGES: "nosuch" }, /^IMAGES names nosuch/],
      [{ ...images, REGISTRY: "r.example", BUILDER: "nosuch" }, /nosuch is not there/],
    ] as const) {
      const { exitCode, stderr } = await build(env);
      assert.equal(exitCode, 1);
      assert.match(stderr, said);
      assert.equal(stderr.split("\n").length, 2, stderr);
    }
    rmSync(bin, { recursive: true });
  });

  it("are built by the workflow, all of them, for both architectures", () => {
    const text = readFileSync(join(root, ".github", "workflows", "images.yml"), "utf8");
    const { image } = (parse(text) as Workflow).jobs.image.strategy.matrix;
    assert.deepEqual(
      [...image].sort(),
      dockerfiles.map(([file]) => file.replace("/Dockerfile", "")).sort(),
    );
    assert.match(text, /platforms: linux\/amd64,linux\/arm64/);
  });
});

interface Workflow {
  readonly jobs: {
    readonly image: { readonly strategy: { readonly matrix: { readonly image: string[] } } };
  };
}
