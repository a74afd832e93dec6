import assert from "node:assert/strict";

import { imageKey, layerKeys } from "../../../lab/images/bare";
import { dockerKey } from "../../../lab/images/docker";
import { fingerprint } from "../../../lab/images/fingerprint";
import { imageNames, imageSpecs } from "../../../lab/images/table";

const bundles = {
  ...{ cli: "cli", "github-stub": "stub", observer: "observer" },
  ...{ probe: "probe", studio: "studio" },
};

describe("lab images: content hashes", () => {
  it("does not take text moved between parts for the same", () => {
    assert.notEqual(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
    assert.equal(fingerprint(["ab", "c"]), fingerprint(["ab", "c"]));
  });

  it("changes the references of exactly the images that hold a changed program", function () {
    if (process.platform !== "linux") {
      process.stdout.write("    skipped: images are built on Linux only\n");
      this.skip();
    }
    const before = layerKeys(bundles);
    const after = layerKeys({ ...bundles, studio: "studio, changed" });
    const changed = imageNames.filter((name) => imageKey(name, before) !== imageKey(name, after));
    assert.deepEqual(changed, ["studio-embedded", "studio"]);
  });

  it("does the same for images that a container engine builds", () => {
    const after = { ...bundles, probe: "probe, changed" };
    const changed = imageNames.filter(
      (name) => dockerKey(name, bundles) !== dockerKey(name, after),
    );
    assert.deepEqual(changed, ["probe"]);
    assert.equal(
      new Set(imageNames.map((name) => dockerKey(name, bundles))).size,
      imageNames.length,
    );
  });

  it("starts every image from the Debian layer and says which are stubs or stand-ins", () => {
    for (const name of imageNames) assert.equal(imageSpecs[name].layers[0], "debian", name);
    assert.match(imageSpecs["llmctl-mcp"].description, /stand-in/);
    assert.match(imageSpecs.github.description, /stub/);
    assert.match(imageSpecs["google-cloud"].description, /stub/);
  });
});
