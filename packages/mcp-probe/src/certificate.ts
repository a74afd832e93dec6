import { cleanLine } from "@mcp-fleet/errors";

import { causes } from "./causes";

/** By OpenSSL's code: the problem of the certificate, and what helps. */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    "has expired, or that of its authority has (CERT_HAS_EXPIRED); renew it, and start the server again if it reads it only then",
  CERT_NOT_YET_VALID:
    "is not valid yet (CERT_NOT_YET_VALID); one of the two clocks is wrong, or it was made for later",
  CERT_REVOKED: "is revoked (CERT_REVOKED); renew it",
  INVALID_PURPOSE: "is not one for servers (INVALID_PURPOSE); make it with the usage server auth",
};

/**
 * The problem of a server's certificate, as a phrase that follows the URL. Undefined for another error.
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
  if (known !== undefined) return `presents a certificate that ${known}`;
  if (!code.includes("CERT") && code !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE" && code !== "INVALID_CA")
    return undefined;
  if (code === "UNABLE_TO_GET_ISSUER_CERT" && ownAuthority)
    return `presents a certificate that is not trusted here (${code}); what tls.ca of the server names was signed by another authority: add that one's certificate to it, up to the root`;
  const fix = ownAuthority
    ? "it is not signed by the authority that tls.ca of the server names, or does not send the intermediate certificates"
    : "name its authority in tls.ca of the server";
  return `presents a certificate that is not trusted here (${code}); ${fix}`;
}

/** OpenSSL's security level has no code here, only a message. */
function tooWeak(error: unknown): string | undefined {
  for (const { message } of causes(error))
    if (/^(EE|CA) (certificate key|signature digest algorithm) too weak$/i.test(message))
      return `presents a certificate that is rejected (${message}); make it with RSA of 2048 bits or more, or ECDSA, and signed with SHA-256`;
  return undefined;
}

/** Node.js adds the names in the certificate to the error. */
function otherName(error: unknown): string {
  for (const at of causes(error)) {
    if (!("host" in at) || typeof at.host !== "string") continue;
    const { subjectaltname: names } = ("cert" in at ? at.cert : {}) as { subjectaltname?: unknown };
    const shown = typeof names === "string" && names !== "" ? cleanLine(names, 200) : "no host";
    return `presents a certificate for another name: it names ${shown}, and not ${cleanLine(at.host, 253)}; have it issued for that name too (dnsNames of a cert-manager Certificate)`;
  }
  return "presents a certificate for another name; have it issued for the host of this URL too";
}
