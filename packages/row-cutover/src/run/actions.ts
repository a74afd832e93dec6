import type { Action } from "../actions/action";
import { merge } from "../actions/merge/merge";
import { rewrite } from "../actions/rewrite/rewrite";
import { seed } from "../actions/seed/seed";

/** Everything that a run does to rows, in the order in which it is written and undone. */
export const actions: readonly Action[] = [rewrite, merge, seed];
