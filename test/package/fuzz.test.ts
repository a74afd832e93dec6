import { fuzzes } from "../support/fuzz";

describe("ten thousand inputs from outside", () => fuzzes(10_000));
