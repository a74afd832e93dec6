import { cleanLine } from "@mcp-fleet/errors";

import { causes } from "./causes";

/** By OpenSSL's code: what the certificate is, and what helps. */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    "has expired, or that of its authority has (CERT_HAS_EXPIRED); renew it, and start the server again if it reads it only then",
  CERT_NOT_YET_VALID:
    "is not valid yet (CERT_NOT_YET_VALID); one of the two clocks is wrong, or it was made for later",
  CERT_REVOKED: "is revoked (CERT_REVOKED); renew it",
  INVALID_PURPOSE: "is not one for servers (INVALID_PURPOSE); make it with the usage server auth",
};

/**
 * What is wrong with a server's certificate; reads on after the URL. Undefined for an error that is about none.
 * @param code the system's or OpenSSL's
 * @param ownAuthority whether an authority is configured for the server
 */
export function certificateTrouble(
  error: unknown,
  code: string,
  ownAuthority: boolean,
): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return otherName(error);
  if (code === "UNSPECIFIED") return tooWeak(error);
  const known = reasons[code];
  if (known !== undefined) return `shows a certificate that ${known}`;
  if (!code.includes("CERT") && code !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE" && code !== "INVALID_CA")
    return undefined;
  if (code === "UNABLE_TO_GET_ISSUER_CERT" && ownAuthority)
    return `shows a certificate that is not trusted here (${code}); what tls.ca of the server names was signed by another authority: add that one's certificate to it, up to the root`;
  const fix = ownAuthority
    ? "it is not signed by the authority that tls.ca of the server names, or does not bring what stands between the two"
    : "name its authority in tls.ca of the server";
  return `shows a certificate that is not trusted here (${code}); ${fix}`;
}

/** What OpenSSL has no code for here: its security level, told by a text of its own. */
function tooWeak(error: unknown): string | undefined {
  for (const { message } of causes(error))
    if (/^(EE|CA) (certificate key|signature digest algorithm) too weak$/i.test(message))
      return `shows a certificate that is not taken (${message}); make it with RSA of 2048 bits or more, or ECDSA, and signed with SHA-256`;
  return undefined;
}

/** Node.js adds to the error what the certificate names. */
function otherName(error: unknown): string {
  for (const at of causes(error)) {
    if (!("host" in at) || typeof at.host !== "string") continue;
    const { subjectaltname: names } = ("cert" in at ? at.cert : {}) as { subjectaltname?: unknown };
    const shown = typeof names === "string" && names !== "" ? cleanLine(names, 200) : "no host";
    return `shows a certificate for another name: it names ${shown}, and not ${cleanLine(at.host, 253)}; have it issued for that name too (dnsNames of a cert-manager Certificate)`;
  }
  return "shows a certificate for another name; have it issued for the host of this URL too";
}
