import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { stringify } from "yaml";

import type { KubeObject, Rendered, SecretReference } from "./objects";

const mark = "# Written by `make render`";
const index = "kustomization.yaml";
/** Objects that belong to no workload. */
const shared = "namespace";

/**
 * Writes one file for each workload and a kustomization.yaml over them. What an earlier run wrote there is removed.
 *
 * @returns the files' names
 * @throws UserError for a directory that holds anything else
 */
export function writeDirectory(directory: string, source: string, rendered: Rendered): string[] {
  emptyOwn(directory);
  mkdirSync(directory, { recursive: true });
  const files = new Map<string, KubeObject[]>();
  for (const object of rendered.objects) {
    const name = `${workloadOf(object)}.yaml`;
    files.set(name, [...(files.get(name) ?? []), object]);
  }
  for (const [name, objects] of files) {
    const documents = objects.map((object) =>
      stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
    );
    writeFileSync(join(directory, name), documents.join("---\n"));
  }
  const resources = [...files.keys()].sort();
  writeFileSync(join(directory, index), kustomization(source, resources, rendered.references));
  return [...resources, index];
}

function workloadOf({ kind, metadata }: KubeObject): string {
  const component = metadata.labels?.["app.kubernetes.io/component"];
  if (kind === "Namespace" || component === "network-policy") return shared;
  return metadata.labels?.["app.kubernetes.io/name"] ?? shared;
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
    `${mark} from ${basename(source)}; changes made here are lost.`,
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
  return `${head.join("\n")}\n${stringify(body)}`;
}

function emptyOwn(directory: string): void {
  if (!existsSync(directory)) return;
  const names = readdirSync(directory);
  if (names.length === 0) return;
  const file = join(directory, index);
  const ours = existsSync(file) && readFileSync(file, "utf8").startsWith(mark);
  if (!ours || names.some((name) => !name.endsWith(".yaml"))) {
    throw new UserError(
      `${directory} holds files that no earlier render wrote.`,
      "Name another directory with --out (OUT for make), or empty this one.",
    );
  }
  for (const name of names) rmSync(join(directory, name));
}
