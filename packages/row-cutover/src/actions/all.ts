import type { Action } from "./action";
import { merge } from "./merge/merge";
import { rewrite } from "./rewrite/rewrite";
import { seed } from "./seed/seed";

/** Everything that a run does to rows, in the order in which it is planned, written and undone. A new action has its line here. */
export const actions: readonly Action[] = [rewrite, merge, seed];
