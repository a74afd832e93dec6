import { alternately, secondsOf } from "./process";
import { record, say } from "./results";

const goal = 3;

/**
 * The start of the command line beside kubectl's: both say something about themselves and ask nobody.
 * @param args how many pairs. Default: 15
 */
export async function benchStart([given = "15"]: readonly string[]): Promise<void> {
  const ours = (): Promise<number> => secondsOf(process.execPath, ["bin/mcp-fleet.cjs", "--help"]);
  const peer = (): Promise<number> => secondsOf("kubectl", ["version", "--client"]);
  try {
    await Promise.all([ours(), peer()]);
  } catch (error) {
    say(`The bench start needs kubectl on PATH: ${String(error).split("\n")[0] ?? ""}`);
    return;
  }
  record(
    "mcp-fleet --help, kubectl version --client",
    "s",
    goal,
    await alternately(Number(given), ours, peer),
  );
}
