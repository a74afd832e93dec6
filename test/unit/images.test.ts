import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

const root = join(__dirname, "..", "..", "..");
const directory = join(root, "images");
const dockerfiles = readdirSync(directory, { recursive: true, encoding: "utf8" })
  .filter((file) => /(^|\/)Dockerfile$/.test(file))
  .map((file) => [file, readFileSync(join(directory, file), "utf8")] as const);

/** What an `ARG` at the top gives a reference. */
function resolved(text: string, reference: string): string {
  return reference.replace(
    /\$\{(\w+)\}/g,
    (_, name: string) => new RegExp(`^ARG ${name}=(.+)$`, "m").exec(text)?.[1] ?? "",
  );
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
