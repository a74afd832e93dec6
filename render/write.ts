import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

import { cleanLine, UserError } from "@mcp-fleet/errors";
import { componentLabel, nameLabel } from "@mcp-fleet/kube";

import { requireNames } from "./names";
import type { KubeObject, Rendered, SecretReference } from "./objects";
import { yamlOf } from "./yaml";

const mark = "# Written by `make render`";
const index = "kustomization.yaml";
/** Objects that belong to no workload. */
const shared = "namespace";
/** Only the owner may read a file with a Secret's values. */
const secretMode = 0o600;

/**
 * Writes one file for each workload and a kustomization.yaml over them. Files of an earlier run are removed.
 * Only the owner may read a file with a Secret.
 *
 * @returns the files' names
 * @throws UserError for a directory that contains anything else, and for a name that Kubernetes would reject
 */
export function writeDirectory(directory: string, source: string, rendered: Rendered): string[] {
  requireNames(rendered);
  emptyOwn(directory);
  mkdirSync(directory, { recursive: true });
  const files = new Map<string, KubeObject[]>();
  for (const object of rendered.objects) {
    const name = `${workloadOf(object)}.yaml`;
    files.set(name, [...(files.get(name) ?? []), object]);
  }
  const write = (name: string, text: string, mode?: number): void =>
    // The directory is empty by now: a file that exists was put there by another process.
    writeFileSync(join(directory, name), text, {
      flag: "wx",
      ...(mode === undefined ? {} : { mode }),
    });
  for (const [name, objects] of files) {
    const secret = objects.some(({ kind }) => kind === "Secret");
    write(name, objects.map(yamlOf).join("---\n"), secret ? secretMode : undefined);
  }
  const resources = [...files.keys()].sort();
  write(index, kustomization(source, resources, rendered.references));
  return [...resources, index];
}

/** A label's value becomes a file name; no workload may be called like the index. */
function workloadOf({ kind, metadata }: KubeObject): string {
  const component = metadata.labels?.[componentLabel];
  if (kind === "Namespace" || component === "network-policy") return shared;
  const name = metadata.labels?.[nameLabel] ?? shared;
  return `${name}.yaml` === index ? `workload-${name}` : name;
}

function kustomization(
  source: string,
  resources: readonly string[],
  references: readonly SecretReference[],
): string {
  const needed = references.map(
    ({ name, namespace, keys }) => `#   ${namespace}/${name}: ${keys.join(", ")}`,
  );
  const head = [
    `${mark} from ${cleanLine(basename(source))}; changes made here are lost.`,
    ...(needed.length === 0
      ? []
      : [
          "# Secrets that are not written here and have to be there first, with their keys:",
          ...needed,
        ]),
  ];
  const body = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources,
  };
  return `${head.join("\n")}\n${yamlOf(body)}`;
}

function emptyOwn(directory: string): void {
  if (!existsSync(directory)) return;
  const names = readdirSync(directory);
  if (names.length === 0) return;
  const file = join(directory, index);
  const files = names.every(
    (name) => name.endsWith(".yaml") && lstatSync(join(directory, name)).isFile(),
  );
  const ours = files && existsSync(file) && readFileSync(file, "utf8").startsWith(mark);
  if (!ours) {
    throw new UserError(
      `${directory} holds files that no earlier render wrote.`,
      "Name another directory with --out (OUT for make), or empty this one.",
    );
  }
  for (const name of names) rmSync(join(directory, name));
}
