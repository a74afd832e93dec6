/**
 * Names of the volumes for a container's directories: `/tmp`, which each container has, and its writable ones.
 * Checks and components use this function, so that no volume of a stack gets the same name.
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

/** The volume of what a server's gate mounts. */
export const gateVolume = "mcp-gate";

/**
 * The volume of a file from an object other than the server's own Secret.
 * @param index of the file
 */
export const fileVolume = (index: number): string => `file-${index}`;
