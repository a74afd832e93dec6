import type { Server } from "./args";

/** Whether the server speaks to the Kubernetes API with rights of its own. */
export function hasRights({ serviceAccount }: Pick<Server, "serviceAccount">): boolean {
  return typeof serviceAccount === "object" && serviceAccount.rules !== undefined;
}
