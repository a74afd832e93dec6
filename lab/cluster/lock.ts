import { join } from "node:path";

import { withLock } from "../lock";
import { paths } from "../paths";

/**
 * Runs `work` while no other command of the lab starts or stops the cluster.
 *
 * @throws UserError when another holds the lock for over an hour.
 */
export const withClusterLock = <T>(work: () => Promise<T>): Promise<T> =>
  withLock(join(paths.run, "cluster.lock"), "starting or stopping the lab's cluster", work);
