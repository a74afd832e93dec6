import { machineBefore } from "../support/machine";

describe("the machine", () => {
  it("is looked at before the lab starts on it", async function () {
    this.timeout(15 * 60_000);
    await machineBefore();
  });
});
