/** Protocol versions that begin with `initialize`, oldest first. */
export const handshakeVersions: readonly string[] = [
  "2024-11-05",
  "2025-03-26",
  "2025-06-18",
  "2025-11-25",
];

/** The version without handshake and session: every request carries its metadata. */
export const modernVersion = "2026-07-28";

/** Every version that the probe speaks, oldest first. */
export const protocolVersions: readonly string[] = [...handshakeVersions, modernVersion];
