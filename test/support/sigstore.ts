import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

// One by one: the package as a whole puts itself before every HTTP request of the process (nock).
import { initializeCA } from "@sigstore/mock/dist/fulcio/ca";
import { initializeCTLog } from "@sigstore/mock/dist/fulcio/ctlog";
import { initializeTLog } from "@sigstore/mock/dist/rekor/tlog";
import { initializeTSA } from "@sigstore/mock/dist/timestamp/tsa";

import type { Descriptor, OciRegistry } from "./oci-registry";

const rekorUrl = "https://rekor.test";
const issuerOid = "1.3.6.1.4.1.57264.1.8";
const minute = 60_000;
const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const base64 = (bytes: ArrayBufferView | Buffer): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
const hex = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");
const sha256Oid = "2.16.840.1.101.3.4.2.1";

export const identity =
  "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main";
export const issuer = "https://token.actions.githubusercontent.com";

/** Who signs: a key, with a certificate of it or without. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificate?: Buffer;
}

/** How a signature is made otherwise than `cosign sign` makes it. */
export interface Oddities {
  /** When Rekor takes it in, in minutes from now. @default now */
  readonly loggedAfter?: number;
  /** Whether it is in Rekor at all. @default true */
  readonly logged?: boolean;
  /** Whether a time stamp is with it. @default false */
  readonly stamped?: boolean;
  /** What the signed text says the image is. @default the image */
  readonly says?: string;
  /** What is put there as the signature. @default the signature */
  readonly signature?: Buffer;
  readonly predicateType?: string;
}

/** As Rekor answers. */
interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logID: string;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
      readonly checkpoint: string;
    };
  };
}

export const keySigner = (): Signer => pair();
export const pemOf = ({ publicKey }: Signer): string =>
  publicKey.export({ type: "spki", format: "pem" }).toString();

/**
 * A Sigstore with keys of its own: authority, certificate log, transparency log and time stamps are the stand-ins that
 * Sigstore's own tests have.
 */
export class TestSigstore {
  private readonly rekorKeys = pair();
  private readonly ctKeys = pair();
  private readonly caKeys = generateKeyPairSync("ec", { namedCurve: "P-384" });
  private readonly tsaKeys = generateKeyPairSync("ec", { namedCurve: "P-384" });

  /** `trusted_root.json` of it. @param without what it has not */
  async trustedRoot(without: readonly ("tlogs" | "ctlogs")[] = []): Promise<object> {
    const [ca, ct] = await Promise.all([this.authority(), initializeCTLog(this.ctKeys)]);
    const rekor = await initializeTLog(rekorUrl, this.rekorKeys);
    const tsa = await initializeTSA(this.tsaKeys);
    const validFor = { start: new Date(Date.now() - 24 * 60 * minute).toISOString() };
    const log = (baseUrl: string, publicKey: Buffer) => ({
      baseUrl,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: base64(publicKey),
        keyDetails: "PKIX_ECDSA_P256_SHA_256",
        validFor,
      },
      logId: { keyId: createHash("sha256").update(publicKey).digest("base64") },
    });
    const chain = (certificates: readonly ArrayBufferView[]) => ({
      subject: { organization: "sigstore.mock", commonName: "sigstore" },
      uri: "https://fulcio.test",
      certChain: { certificates: certificates.map((one) => ({ rawBytes: base64(one) })) },
      validFor,
    });
    const root = {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [log(rekorUrl, rekor.publicKey)],
      certificateAuthorities: [chain([ca.rootCertificate])],
      ctlogs: [log("https://ct.test", ct.publicKey)],
      timestampAuthorities: [chain([tsa.intCertificate, tsa.rootCertificate])],
    };
    return { ...root, ...Object.fromEntries(without.map((name) => [name, []])) };
  }

  /** A signer with a certificate of ten minutes. @param startedAfter in minutes from now */
  async keyless(
    who = identity,
    vouchedBy = issuer,
    { startedAfter = 0, inLog = true }: { startedAfter?: number; inLog?: boolean } = {},
  ): Promise<Signer> {
    const keys = pair();
    const ca = await this.authority(new Date(Date.now() + startedAfter * minute), inLog);
    const certificate = await ca.issueCertificate({
      publicKey: keys.publicKey.export({ type: "spki", format: "der" }),
      subjectAltName: who,
      // Fulcio says it twice, in an older form too.
      extensions: [
        { oid: "1.3.6.1.4.1.57264.1.1", value: vouchedBy, legacy: true },
        { oid: issuerOid, value: vouchedBy },
      ],
    });
    return {
      ...keys,
      certificate: Buffer.from(base64(certificate), "base64"),
    };
  }

  /** Signs as `cosign sign` has done from the first: a layer under the tag `sha256-<digest>.sig`. */
  async signClassic(
    registry: OciRegistry,
    image: string,
    signer: Signer,
    odd: Oddities = {},
  ): Promise<void> {
    registry.manifest(
      {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: registry.blob("{}", "application/vnd.oci.image.config.v1+json"),
        layers: [await this.classicLayer(registry, image, signer, odd)],
      },
      `${image.replace(":", "-")}.sig`,
    );
  }

  async classicLayer(
    registry: OciRegistry,
    image: string,
    signer: Signer,
    { loggedAfter = 0, logged = true, stamped = false, says = image, signature }: Oddities = {},
  ): Promise<Descriptor> {
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: { "docker-reference": "ghcr.io/somebody/else" },
          image: { "docker-manifest-digest": says },
          type: "cosign container image signature",
        },
        optional: null,
      }),
    );
    const made = signature ?? sign("sha256", payload, signer.privateKey);
    const { certificate } = signer;
    const entry = {
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm: "sha256", value: hex(payload) } },
        signature: { content: base64(made), publicKey: { content: this.verifierOf(signer) } },
      },
    };
    const log = logged ? await this.log(entry, loggedAfter) : undefined;
    return {
      ...registry.blob(payload, "application/vnd.dev.cosign.simplesigning.v1+json"),
      annotations: {
        "dev.cosignproject.cosign/signature": base64(made),
        ...(certificate === undefined
          ? {}
          : { "dev.sigstore.cosign/certificate": certificatePem(certificate) }),
        ...(log === undefined
          ? {}
          : {
              "dev.sigstore.cosign/bundle": JSON.stringify({
                SignedEntryTimestamp: log.verification.signedEntryTimestamp,
                Payload: {
                  body: log.body,
                  integratedTime: log.integratedTime,
                  logIndex: log.logIndex,
                  logID: log.logID,
                },
              }),
            }),
        ...(stamped
          ? {
              "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({
                SignedRFC3161Timestamp: await this.stamp(made),
              }),
            }
          : {}),
      },
    };
  }

  /** Signs as cosign 3 does: a bundle with a statement, which refers to the image. */
  async signBundle(
    registry: OciRegistry,
    image: string,
    signer: Signer,
    odd: Oddities = {},
  ): Promise<void> {
    const bundle = Buffer.from(JSON.stringify(await this.bundle(image, signer, odd)));
    const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    registry.attach(image, type, [registry.blob(bundle, type)]);
  }

  async bundle(
    image: string,
    signer: Signer,
    {
      loggedAfter = 0,
      logged = true,
      stamped = false,
      says = image,
      signature,
      predicateType = "https://sigstore.dev/cosign/sign/v1",
    }: Oddities = {},
  ): Promise<object> {
    const payload = Buffer.from(
      JSON.stringify({
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ digest: { sha256: says.replace("sha256:", "") } }],
        predicateType,
        predicate: {},
      }),
    );
    const payloadType = "application/vnd.in-toto+json";
    const encoded = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
      payload,
    ]);
    const made = signature ?? sign("sha256", encoded, signer.privateKey);
    const entry = {
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        envelopeHash: { algorithm: "sha256", value: hex(payload) },
        payloadHash: { algorithm: "sha256", value: hex(payload) },
        signatures: [{ signature: base64(made), verifier: this.verifierOf(signer) }],
      },
    };
    const log = logged ? await this.log(entry, loggedAfter) : undefined;
    const proof = log?.verification.inclusionProof;
    return {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: {
        ...(signer.certificate === undefined
          ? { publicKey: { hint: hex(pemOf(signer)) } }
          : { certificate: { rawBytes: base64(signer.certificate) } }),
        tlogEntries:
          log === undefined || proof === undefined
            ? []
            : [
                {
                  logIndex: String(log.logIndex),
                  logId: { keyId: Buffer.from(log.logID, "hex").toString("base64") },
                  kindVersion: { kind: "dsse", version: "0.0.1" },
                  integratedTime: String(log.integratedTime),
                  inclusionPromise: {
                    signedEntryTimestamp: log.verification.signedEntryTimestamp,
                  },
                  inclusionProof: {
                    logIndex: String(proof.logIndex),
                    rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"),
                    treeSize: String(proof.treeSize),
                    hashes: [],
                    checkpoint: { envelope: proof.checkpoint },
                  },
                  canonicalizedBody: log.body,
                },
              ],
        timestampVerificationData: {
          rfc3161Timestamps: stamped ? [{ signedTimestamp: await this.stamp(made) }] : [],
        },
      },
      dsseEnvelope: {
        payload: base64(payload),
        payloadType,
        signatures: [{ sig: base64(made), keyid: "" }],
      },
    };
  }

  private async authority(clock = new Date(), inLog = true) {
    const ct = inLog ? await initializeCTLog(this.ctKeys, clock) : undefined;
    return initializeCA(this.caKeys, ct, clock);
  }

  private async log(entry: object, after: number): Promise<LogEntry> {
    const clock = new Date(Date.now() + after * minute);
    const rekor = await initializeTLog(rekorUrl, this.rekorKeys, clock);
    // Its own types are of a package that it does not bring.
    const answer = (await rekor.log(entry)) as unknown as Readonly<Record<string, LogEntry>>;
    const [made] = Object.values(answer);
    if (made === undefined) throw new Error("Rekor's stand-in made no entry");
    return made;
  }

  private async stamp(signature: Buffer): Promise<string> {
    // Its own fractions of a second are written in a way that no authority has.
    const clock = new Date(Math.floor(Date.now() / 1000) * 1000);
    const tsa = await initializeTSA(this.tsaKeys, clock);
    const stamped = await tsa.timestamp({
      artifactHash: createHash("sha256").update(signature).digest(),
      hashAlgorithmOID: sha256Oid,
      nonce: 1,
      policyOID: "1.2.3.4.1",
    });
    return base64(stamped);
  }

  private verifierOf(signer: Signer): string {
    const { certificate } = signer;
    return Buffer.from(
      certificate === undefined ? pemOf(signer) : certificatePem(certificate),
    ).toString("base64");
  }
}

function certificatePem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${base64(der)}\n-----END CERTIFICATE-----\n`;
}
