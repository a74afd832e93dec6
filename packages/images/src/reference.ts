/** The location of an image. */
export interface ImageReference {
  readonly registry: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly reference: string;
}

/** Docker Hub's address for its clients. */
export const dockerHub = "registry-1.docker.io";
const hubNames = /^(index\.|registry-1\.)?docker\.io$/;

/** Parses a reference as container engines do. */
export function parseImage(image: string): ImageReference {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = named ? rest.join("/") : image;
  const at = path.indexOf("@");
  const tagged = /:([^/:@]+)$/.exec(at === -1 ? path : path.slice(0, at));
  const bare = (at === -1 ? path : path.slice(0, at)).replace(/:[^/:]+$/, "");
  const hub = !named || isHub(first);
  return {
    registry: hub ? dockerHub : first,
    repository: hub && !bare.includes("/") ? `library/${bare}` : bare,
    reference: at === -1 ? (tagged?.[1] ?? "latest") : path.slice(at + 1),
  };
}

/** Whether a registry's name is one of Docker Hub's. */
export function isHub(registry: string): boolean {
  return registryName(registry) === "docker.io";
}

/** Registry and repository as people write them: `docker.io/library/nginx`. */
export function nameOf({ registry, repository }: Omit<ImageReference, "reference">): string {
  return `${registryName(registry)}/${repository}`;
}

/** One name for each registry, however it is written: a capital letter must not let an image escape a rule. */
export function registryName(registry: string): string {
  const host = registry.toLowerCase().replace(/\.?(:443)?$/, "");
  return hubNames.test(host) ? "docker.io" : host;
}

/** The image with its digest. One that already has a digest keeps it. */
export function pinned(image: string, digest: string): string {
  return image.includes("@") ? image : `${image}@${digest}`;
}
