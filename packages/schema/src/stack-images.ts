import { isObject } from "./own";
import type { ResolvedServer } from "./resolve";
import type { StackSettings } from "./stack";

/** The parts of a stack's configuration that name images. */
export interface WithImages {
  readonly settings: Readonly<StackSettings>;
  readonly servers: readonly ResolvedServer[];
}

/** An image that a pod of the stack runs. */
export interface StackImage {
  /** Its configuration key. */
  readonly path: string;
  readonly image: string;
  /** Secrets with logins for the image's registry. */
  readonly pullSecrets: readonly string[];
}

/** Returns another name for an image. */
type Rename = (image: string, path: string, pullSecrets: readonly string[]) => string;

/** Every image that a pod of this stack runs, the probe's included. Disabled parts are omitted. */
export function imagesOfStack(stack: WithImages): StackImage[] {
  const images: StackImage[] = [];
  renameImages(stack, (image, path, pullSecrets) => {
    images.push({ path, image, pullSecrets });
    return image;
  });
  return images;
}

/** The stack with every image of {@link imagesOfStack} renamed. The argument is not changed. */
export function renameImages<T extends WithImages>(stack: T, rename: Rename): T {
  const { settings, servers } = stack;
  return {
    ...stack,
    settings: {
      ...settings,
      ...operated(settings, rename),
      ...studioAndProbe(settings, rename),
      ...(settings.mesh === undefined ? {} : { mesh: mesh(settings, settings.mesh, rename) }),
    },
    servers: servers.map((server) => renameServer(server, rename)),
  };
}

function studioAndProbe(
  settings: StackSettings,
  rename: Rename,
): Pick<StackSettings, "studio" | "probe"> {
  const { studio, probe, target, cutover, imagePullSecrets } = settings;
  const { images } = studio;
  const own = images?.[target];
  const asks =
    cutover.enabled && target === "in-cluster" && probe.from === "cluster"
      ? probe.image
      : undefined;
  return {
    studio:
      !studio.enabled || images === undefined || own === undefined
        ? studio
        : {
            ...studio,
            images: {
              ...images,
              [target]: rename(own, `studio.images.${target}`, imagePullSecrets),
            },
          },
    probe:
      asks === undefined
        ? probe
        : {
            ...probe,
            image: rename(asks, "probe.image", probe.imagePullSecrets ?? imagePullSecrets),
          },
  };
}

/** The pods that observe and manage the servers. */
function operated(
  settings: StackSettings,
  rename: Rename,
): Pick<StackSettings, "manager" | "observability"> {
  const { manager, observability, cutover, imagePullSecrets } = settings;
  const { enabled, observer, exporter } = observability;
  const at = (one: string, image: string): string =>
    rename(image, `${one}.image`, imagePullSecrets);
  return {
    manager:
      manager.enabled && manager.image !== undefined
        ? { ...manager, image: at("manager", manager.image) }
        : manager,
    observability: {
      ...observability,
      ...(enabled && observer !== undefined
        ? { observer: { ...observer, image: at("observability.observer", observer.image) } }
        : {}),
      ...(enabled && exporter !== undefined && cutover.enabled
        ? { exporter: { ...exporter, image: at("observability.exporter", exporter.image) } }
        : {}),
    },
  };
}

type Mesh = NonNullable<StackSettings["mesh"]>;

function mesh({ imagePullSecrets }: StackSettings, own: Mesh, rename: Rename): Mesh {
  const { registry, agents } = own;
  const named = Object.entries(agents).map(([name, agent]) => [
    name,
    { ...agent, image: rename(agent.image, `mesh.agents.${name}.image`, imagePullSecrets) },
  ]);
  return {
    ...own,
    registry: {
      ...registry,
      image: rename(registry.image, "mesh.registry.image", imagePullSecrets),
    },
    agents: Object.fromEntries(named) as Mesh["agents"],
  };
}

function renameServer(server: ResolvedServer, rename: Rename): ResolvedServer {
  const { key, imagePullSecrets, transform } = server;
  const at = (image: string, path: string): string =>
    rename(image, `servers.${key}.${path}`, imagePullSecrets);
  const beside = <T extends { readonly image: string }>(list: readonly T[], name: string): T[] =>
    list.map((one, index) => ({ ...one, image: at(one.image, `${name}[${index}].image`) }));
  return {
    ...server,
    image: at(server.image, "image"),
    sidecars: beside(server.sidecars, "sidecars"),
    initContainers: beside(server.initContainers, "initContainers"),
    ...(transform === undefined
      ? {}
      : {
          transform: {
            ...transform,
            ...patched(transform, "deployment", at),
            ...patched(transform, "statefulSet", at),
          },
        }),
  };
}

type Transform = NonNullable<ResolvedServer["transform"]>;

/** A transform may name images too, for existing and for its own containers. */
function patched(
  transform: Transform,
  workload: "deployment" | "statefulSet",
  at: (image: string, path: string) => string,
): Pick<Transform, "deployment" | "statefulSet"> {
  const patch = transform[workload];
  const spec = patch?.spec;
  if (!isObject(spec) || !isObject(spec.template) || !isObject(spec.template.spec)) return {};
  const { template } = spec;
  const pod = spec.template.spec;
  const lists = ["containers", "initContainers"].flatMap((name) => {
    const list = pod[name];
    if (!Array.isArray(list)) return [];
    const renamed = list.map((one: unknown, index) => {
      if (!isObject(one) || typeof one.image !== "string") return one;
      const path = `transform.${workload}.spec.template.spec.${name}[${index}].image`;
      return { ...one, image: at(one.image, path) };
    });
    return [[name, renamed] as const];
  });
  return {
    [workload]: {
      ...patch,
      spec: { ...spec, template: { ...template, spec: { ...pod, ...Object.fromEntries(lists) } } },
    },
  };
}
