/**
 * `Isolation`: a namespace under Pod Security "restricted", closed by default.
 *
 * @module
 */
export * from "./isolation";
