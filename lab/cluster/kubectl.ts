import { run } from "../exec";
import { paths } from "../paths";
import { binary } from "./binaries";

/** Runs the lab's own kubectl as its administrator; for the lab's inner works, where a few calls are all. */
export const kubectl = (
  args: readonly string[],
  options: { timeoutSeconds?: number; input?: string } = {},
): Promise<string> => run(binary("kubectl"), ["--kubeconfig", paths.kubeconfig, ...args], options);
