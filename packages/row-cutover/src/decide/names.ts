/*
 * The names of what happens to rows. An action with a name of its own adds it from its own folder:
 *   declare module "../../decide/names" { interface ForwardNames { archive: true } }
 */

/** What a forward run does to a row. */
export interface ForwardNames {
  rewrite: true;
  unchanged: true;
  seed: true;
  merge: true;
  late: true;
}

/** What an undo does to a row. */
export interface UndoNames {
  restore: true;
  remove: true;
  insert: true;
  unchanged: true;
}

/** What a plan says of a row. `conflict`: changed since the cutover, which stops the run. `keep`: changed since, and left as it is by `onConflict`. */
export interface ChangeNames {
  rewrite: true;
  seed: true;
  merge: true;
  restore: true;
  remove: true;
  unchanged: true;
  keep: true;
  conflict: true;
}

/**
 * What the journal says that a run did to a row, and what the undo of that run does.
 * - `rewrite`: restored from `before`. `restore`: the same, written by an undo.
 * - `seed`: inserted by the run, removed by its undo. `merge`: deleted by the run, inserted again by its undo.
 * - `unchanged`: not written, only protected by the fence. `removed`, `inserted`: written by an undo. `late`: never undone.
 */
export interface JournalNames {
  rewrite: true;
  restore: true;
  seed: true;
  merge: true;
  unchanged: true;
  removed: true;
  inserted: true;
  late: true;
}
