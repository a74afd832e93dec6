/** A prebuilt image that speaks MCP over streamable HTTP by itself. */
export interface ImageSource {
  readonly kind: "image";
  readonly image: string;
  /** Replaces the image's entrypoint. @default the image's own */
  readonly command?: readonly string[];
  /** Replaces the image's command. @default the image's own */
  readonly args?: readonly string[];
}

/** A stdio server behind supergateway, both in one image; nothing is installed at start. */
export interface BridgeSource {
  readonly kind: "bridge";
  readonly image: string;
  /** The stdio server's command line. */
  readonly stdio: string;
}

/** Python code in the ConfigMap `<service>-code`, served by uvicorn out of an image that has the packages. */
export interface CodeSource {
  readonly kind: "code";
  readonly image: string;
  /** File name -> content. */
  readonly files: Readonly<Record<string, string>>;
  /** The ASGI application, `module:attribute`. */
  readonly app: string;
}

/** The image of another workload started with another command, so that both are always of one version. */
export interface SharedSource {
  readonly kind: "shared";
  readonly image: string;
  readonly command: readonly string[];
  readonly args?: readonly string[];
}

/** Where a server's process comes from. One kind a source: adding one changes only `process.ts`. */
export type ServerSource = ImageSource | BridgeSource | CodeSource | SharedSource;

/**
 * The value of an environment variable: text, a key of a Secret or ConfigMap that exists, or a field of the pod. Text may hold
 * `$(NAME)` of another variable; `$$(NAME)` is the text itself.
 */
export type EnvValue =
  | string
  | { readonly secret: string; readonly key: string; readonly optional?: boolean | undefined }
  | { readonly configMap: string; readonly key: string; readonly optional?: boolean | undefined }
  | { readonly field: string };
