import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { environmentOf } from "../../../lab/engine";

describe("the lab's Pulumi home", () => {
  it("keeps its plugins where it is itself the installation, as in a shell of `make env`", () => {
    const directory = mkdtempSync(join(tmpdir(), "lab-home-"));
    try {
      const [plugins, home] = [join(directory, "installed/plugins"), join(directory, "home")];
      mkdirSync(plugins, { recursive: true });
      mkdirSync(home);
      symlinkSync(plugins, join(home, "plugins"));
      const installation = { command: "pulumi", version: "3.274.1", from: "PATH", home };
      const place = { home, backend: join(directory, "backend"), passphrase: "x" };
      for (const _ of [1, 2]) environmentOf(installation, place);
      assert.equal(realpathSync(join(home, "plugins")), realpathSync(plugins));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
