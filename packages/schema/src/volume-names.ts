/**
 * The volumes of a container's directories, by name: `/tmp`, which each has, and those that it writes to. Checks and
 * components name them here, so that no volume of a stack gets the name of another.
 *
 * @param prefix of another container than the server's
 */
export function directoryVolumes(
  writable: readonly string[],
  prefix = "",
): [name: string, path: string][] {
  return [...new Set(["/tmp", ...writable])].map((path, index) => [
    `${prefix}${index === 0 ? "tmp" : `writable-${index}`}`,
    path,
  ]);
}

/** The volume of a file that comes out of an object which is not the server's own. @param index of the file */
export const fileVolume = (index: number): string => `file-${index}`;
