import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A key with its certificate, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** The properties of a certificate. */
export interface Leaf {
  /** In openssl's form: `IP:127.0.0.1,DNS:tools`. */
  readonly names: string;
  /** Whether it has expired. */
  readonly expired?: boolean;
  /** Whether its key is too short for every client. */
  readonly weak?: boolean;
}

/** A test's own authority, and certificates that it signs, created by openssl. */
export class Authority {
  private readonly directory = mkdtempSync(join(tmpdir(), "mcp-probe-ca-"));
  private leaves = 0;

  /** @param issuer another authority that signs this one's certificate. Default: itself */
  constructor(name: string, issuer?: Authority) {
    const request = [
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", `/CN=${name}`, "-keyout", "ca.key"],
    ];
    if (issuer === undefined) {
      this.openssl([...request, "-x509", "-out", "ca.crt", "-days", "3"]);
      return;
    }
    this.openssl([...request, "-out", "ca.csr"]);
    writeFileSync(join(this.directory, "ca.ext"), "basicConstraints=critical,CA:TRUE\n");
    const of = (file: string): string => join(issuer.directory, file);
    this.openssl([
      ...["x509", "-req", "-in", "ca.csr", "-CA", of("ca.crt"), "-CAkey", of("ca.key")],
      ...["-CAcreateserial", "-extfile", "ca.ext", "-out", "ca.crt", "-days", "2"],
    ]);
  }

  /** The certificate that clients trust. */
  get certificate(): string {
    return readFileSync(this.file, "utf8");
  }

  get file(): string {
    return join(this.directory, "ca.crt");
  }

  sign({ names, expired = false, weak = false }: Leaf): Certificate {
    this.leaves += 1;
    const [key, request, cert, ext] = ["key", "csr", "crt", "ext"].map(
      (end) => `${this.leaves}.${end}`,
    ) as [string, string, string, string];
    writeFileSync(
      join(this.directory, ext),
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`,
    );
    this.openssl([
      ...["req", "-new", "-newkey"],
      ...(weak ? ["rsa:1024"] : ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
      ...["-nodes", "-subj", "/CN=server", "-keyout", key, "-out", request],
    ]);
    this.openssl([
      ...["x509", "-req", "-in", request, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-extfile", ext, "-out", cert, "-days", expired ? "-1" : "2"],
    ]);
    const read = (name: string): string => readFileSync(join(this.directory, name), "utf8");
    return { key: read(key), cert: read(cert) };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private openssl(args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.directory, stdio: "pipe" });
  }
}
