import assert from "node:assert/strict";

import { randomPassword } from "../../../lab/engine/providers/random/password";

describe("the lab's own random plugin", () => {
  it("makes a password of whole characters, as many as asked for", async () => {
    const inputs = {
      length: 6,
      lower: false,
      upper: false,
      numeric: false,
      overrideSpecial: "𝒳😀",
    };
    assert.deepEqual(randomPassword.refuse?.(inputs), []);
    const { state } = await randomPassword.create(inputs);
    assert.match(JSON.stringify(state.result), /^"[𝒳😀]{6}"$/u);
  });

  it("refuses a length that is no whole number", () => {
    for (const length of [2.5, 0, -1, "many"]) {
      const [failure] = randomPassword.refuse?.({ length }) ?? [];
      assert.equal(failure?.property, "length", String(length));
    }
  });
});
