import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ingredients } from "../../../lab/images/dockerfile";
import { fingerprint } from "../../../lab/images/fingerprint";
import { type PlannedImage, Planner, type Programs } from "../../../lab/images/plan";
import {
  bareStandIns,
  engineStandIns,
  ownImage,
  type RecipeName,
  recipes,
  type StandIns,
} from "../../../lab/images/recipes";
import { paths } from "../../../lab/paths";

const names = Object.keys(recipes) as RecipeName[];

const programs: Programs = (name) => Promise.resolve(name);

const debian = new Set<RecipeName>(["python", "node", "kind-node", "kind-components", "kind-dns"]);

/** References of all images that can be planned there; a Debian root is made on Linux only. */
async function references(standIns: StandIns, text: Programs): Promise<Map<string, string>> {
  const planner = new Planner(standIns, text);
  const bare = standIns === bareStandIns;
  const wanted = names.filter((name) => bare || !debian.has(name));
  const images = await Promise.all(wanted.map((name) => planner.plan(name)));
  return new Map(images.map((image: PlannedImage) => [image.name, image.ref] as const));
}

describe("lab images: what goes into one", () => {
  it("is read from its Dockerfile: files, other images, no stage that is given", () => {
    const dockerfile = `# FROM nothing
ARG NODE=24.21.0-slim
FROM node:\${NODE} AS build
COPY packages ./packages
FROM node:\${NODE} AS bridge
COPY --chmod=755 a/one \\
     a/two /opt/
FROM python:3.11.14 AS python
FROM bridge
COPY --from=build /x /x
COPY --from=python /usr /usr
COPY --from=ghcr.io/one/tool:v1 /tool /
COPY --from=bundles x.js /
ADD root.tar /
`;
    const { images, files } = ingredients(dockerfile, ["bundles"]);
    assert.deepEqual(
      [...images],
      [
        ["node:${NODE}", "node:24.21.0-slim"],
        ["python:3.11.14", "python:3.11.14"],
        ["ghcr.io/one/tool:v1", "ghcr.io/one/tool:v1"],
      ],
    );
    assert.deepEqual(files, ["packages", "a/one", "a/two", "root.tar"]);
    assert.deepEqual(ingredients(dockerfile, ["bundles", "build"]).files, [
      ...["a/one", "a/two", "root.tar"],
    ]);
  });

  it("does not take text moved between parts for the same", () => {
    assert.notEqual(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
    assert.equal(fingerprint(["ab", "c"]), fingerprint(["ab", "c"]));
  });

  for (const [where, standIns] of [
    ["on the bare lab", bareStandIns],
    ["with a container engine", engineStandIns],
  ] as const) {
    it(`changes the references of exactly the images that hold a changed program, ${where}`, async function () {
      if (standIns === bareStandIns && process.platform !== "linux") {
        process.stdout.write("    skipped: the bare lab is on Linux only\n");
        this.skip();
      }
      const before = await references(standIns, programs);
      const changedBy = async (program: string): Promise<string[]> => {
        const after = await references(standIns, (name) =>
          Promise.resolve(name === program ? "changed" : name),
        );
        return [...before].filter(([name, ref]) => after.get(name) !== ref).map(([name]) => name);
      };
      assert.deepEqual(await changedBy("studio"), ["studio-embedded", "studio"]);
      assert.deepEqual(await changedBy("probe"), ["probe"]);
      const holdTheStub =
        where === "on the bare lab" ? ["github", "studio-servers", "studio-embedded"] : [];
      assert.deepEqual(await changedBy("github-stub"), ["github-stub", ...holdTheStub]);
      assert.equal(new Set(before.values()).size, before.size);
    });
  }
});

describe("lab images: the Dockerfiles", () => {
  it("are all built by the lab", () => {
    const known = new Set(Object.values(recipes).map(({ dockerfile }) => dockerfile));
    for (const directory of ["images", "lab/images"]) {
      const files = readdirSync(join(paths.projectDir, directory))
        .map((name) => `${directory}/${name}/Dockerfile`)
        .filter((file) => existsSync(join(paths.projectDir, file)));
      assert.ok(files.length >= 9);
      assert.deepEqual(
        files.filter((file) => !known.has(file)),
        [],
      );
    }
  });

  it("need no registry of images on the bare lab", () => {
    for (const { dockerfile, programs: given = {} } of Object.values(recipes)) {
      const text = readFileSync(join(paths.projectDir, dockerfile), "utf8");
      const { images } = ingredients(text, Object.keys(given));
      assert.deepEqual(
        [...images.values()].filter((reference) => ownImage(reference, bareStandIns) === undefined),
        [],
        dockerfile,
      );
    }
  });

  it("say which images are stubs", () => {
    for (const name of names.filter((one) => one.endsWith("-stub"))) {
      const text = readFileSync(join(paths.projectDir, recipes[name].dockerfile), "utf8");
      assert.match(text, /\nLABEL org\.opencontainers\.image\.description="Lab stub of /, name);
    }
  });
});
