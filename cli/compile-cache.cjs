"use strict";

// Code that Node.js compiled once and keeps. Whoever can write where it is kept decides what the next start runs, so it
// is a directory of the user's own: by itself Node.js would take one that all users of the machine share.

const { lstatSync, mkdirSync, realpathSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { dirname, join, resolve } = require("node:path");

/** Writable by the group, or by everybody. */
const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * Whether nobody but this user and root can put a file there, or another directory in its place. `own` is the directory
 * itself, which nobody else may even read.
 */
function isPrivate(directory, uid) {
  const own = lstatSync(directory);
  if (!own.isDirectory() || own.uid !== uid || (own.mode & 0o077) !== 0) return false;
  for (let above = dirname(realpathSync(directory)); ; above = dirname(above)) {
    const { uid: owner, mode } = lstatSync(above);
    if (owner !== uid && owner !== 0) return false;
    if ((mode & writableByOthers) !== 0 && (mode & sticky) === 0) return false;
    if (above === dirname(above)) return true;
  }
}

/**
 * Where compiled code may be kept: `compile` in MCP_FLEET_CACHE, or else in ~/.cache/mcp-fleet. It is made where it is
 * not there. Undefined where others could write to it, or where it cannot be made: then nothing is kept.
 */
function compileCacheDirectory() {
  try {
    const cache = process.env.MCP_FLEET_CACHE ?? join(homedir(), ".cache", "mcp-fleet");
    const directory = join(resolve(cache), "compile");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const uid = process.getuid?.();
    return uid === undefined || isPrivate(directory, uid) ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** Makes Node.js keep compiled code there. */
function keepCompiledCode() {
  const directory = compileCacheDirectory();
  if (directory !== undefined) enableCompileCache?.(directory);
}

// As a program it prints the directory, and nothing where there is none: the Makefile asks it.
if (require.main === module) process.stdout.write(compileCacheDirectory() ?? "");

module.exports = { compileCacheDirectory, keepCompiledCode };
