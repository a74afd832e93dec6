import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An entry of a manifest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";

const digestOf = (bytes: Buffer | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

interface Manifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/**
 * A registry in this process, by the distribution specification as far as pulls and referrers are concerned.
 * Tests add content directly; `withLogin` makes it request a token as Docker Hub does.
 */
export class OciRegistry {
  /** `GET /v2/...`, in order. */
  readonly asked: string[] = [];
  /** Whether it supports the list of referrers; otherwise clients keep one under a tag. */
  referrers = true;
  /** Page size of the list of referrers. */
  pageSize = 100;
  /** Answers instead of the registry if it returns true. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  withLogin: { readonly username: string; readonly password: string } | undefined;
  private readonly blobs = new Map<string, Buffer>();
  private readonly manifests = new Map<string, Manifest>();
  private readonly tags = new Map<string, string>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  static async start(): Promise<OciRegistry> {
    const registry = new OciRegistry();
    await new Promise<void>((resolve) => registry.server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  blob(bytes: Buffer | string, mediaType: string): Descriptor {
    const content = Buffer.from(bytes);
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  }

  /** @returns its digest */
  manifest(content: object, tag?: string): string {
    const { mediaType = manifestType } = content as { mediaType?: string };
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    this.manifests.set(digest, { mediaType, bytes });
    if (tag !== undefined) this.tags.set(tag, digest);
    return digest;
  }

  /** An image of one platform. @returns its digest */
  image(tag: string, content = tag): string {
    return this.manifest(
      {
        schemaVersion: 2,
        mediaType: manifestType,
        config: this.blob(
          JSON.stringify({ architecture: "amd64", os: "linux", content }),
          "application/vnd.oci.image.config.v1+json",
        ),
        layers: [this.blob(content, "application/vnd.oci.image.layer.v1.tar")],
      },
      tag,
    );
  }

  /** An index of images. @returns its digest */
  index(tag: string, images: readonly string[]): string {
    const manifests = images.map((digest) => this.descriptor(digest));
    return this.manifest({ schemaVersion: 2, mediaType: indexType, manifests }, tag);
  }

  /** Something that refers to an image, as `oras attach` and `cosign sign` put it there. */
  attach(subject: string, artifactType: string, layers: readonly Descriptor[], more = {}): void {
    const digest = this.manifest({
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType,
      config: this.blob("{}", "application/vnd.oci.empty.v1+json"),
      layers,
      subject: this.descriptor(subject),
      ...more,
    });
    if (this.referrers) return;
    const tag = subject.replace(":", "-");
    const before = this.tags.get(tag);
    const list =
      before === undefined
        ? []
        : (JSON.parse(this.bytesOf(before).toString()) as { manifests: Descriptor[] }).manifests;
    const manifests = [...list, { ...this.descriptor(digest), artifactType }];
    this.manifest({ schemaVersion: 2, mediaType: indexType, manifests }, tag);
  }

  private bytesOf(digest: string): Buffer {
    return this.manifests.get(digest)?.bytes ?? Buffer.alloc(0);
  }

  private descriptor(digest: string): Descriptor {
    const { mediaType = manifestType, bytes } = this.manifests.get(digest) ?? {};
    return { mediaType, digest, size: bytes?.length ?? 0 };
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "" } = request;
    this.asked.push(`${method} ${url}`);
    if (this.instead(request, response)) return;
    const place = new URL(url, `http://${this.host}`);
    if (place.pathname === "/token") return this.token(request, response);
    if (this.withLogin !== undefined && request.headers.authorization !== "Bearer t0ken") {
      const challenge = `Bearer realm="http://${this.host}/token",service="reg",scope="repository:x:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    const [, kind, reference = ""] =
      /^\/v2\/.+?\/(manifests|blobs|referrers)\/([^/]+)$/.exec(place.pathname) ?? [];
    if (place.pathname === "/v2/") return void response.writeHead(200).end();
    if (kind === "blobs") return send(response, this.blobs.get(reference));
    if (kind === "manifests") {
      const found = this.manifests.get(this.tags.get(reference) ?? reference);
      return send(response, found?.bytes, found?.mediaType);
    }
    if (kind === "referrers" && this.referrers) return this.list(place, reference, response);
    response.writeHead(404).end();
  }

  private token({ headers }: IncomingMessage, response: ServerResponse): void {
    const { username = "", password = "" } = this.withLogin ?? {};
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const may = this.withLogin === undefined || headers.authorization === basic;
    response.writeHead(may ? 200 : 401).end(JSON.stringify({ token: "t0ken" }));
  }

  private list(place: URL, subject: string, response: ServerResponse): void {
    const all = [...this.manifests].flatMap(([digest, { bytes }]) => {
      const content = JSON.parse(bytes.toString()) as {
        subject?: Descriptor;
        artifactType?: string;
        annotations?: Record<string, string>;
      };
      if (content.subject?.digest !== subject) return [];
      const { artifactType, annotations } = content;
      return [{ ...this.descriptor(digest), artifactType, annotations }];
    });
    const from = Number(place.searchParams.get("from") ?? 0);
    const next = from + this.pageSize;
    if (next < all.length)
      response.setHeader("link", `<${place.pathname}?from=${next}>; rel="next"`);
    const manifests = all.slice(from, next);
    send(
      response,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests })),
      indexType,
    );
  }
}

function send(response: ServerResponse, bytes: Buffer | undefined, type?: string): void {
  if (bytes === undefined) return void response.writeHead(404).end();
  response
    .writeHead(200, {
      "content-type": type ?? "application/octet-stream",
      "content-length": bytes.length,
      "docker-content-digest": digestOf(bytes),
    })
    .end(bytes);
}
