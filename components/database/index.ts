/**
 * `CutoverDatabase`: a database role with the rights that a cutover needs and no more.
 *
 * @module
 */
export * from "./address";
export * from "./admin";
export * from "./database";
