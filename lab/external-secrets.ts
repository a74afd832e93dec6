import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { ensureBuilt, type GoBuild, targetOf } from "./go-modules";
import type { Log } from "./log";

const definitions = "crds";

/** The kinds that the lab's operator handles. */
const kinds = [
  ...["externalsecrets", "secretstores", "clustersecretstores"].map(
    (plural) => `external-secrets.io_${plural}`,
  ),
  "generators.external-secrets.io_generatorstates",
];

/** The External Secrets Operator with the only store that needs no other service: Kubernetes itself. */
const build: GoBuild = {
  name: "external-secrets",
  what: "the External Secrets Operator",
  minutes: 3,
  scratchGiB: 2,
  sources: ["main.go"],
  packages: ["."],
  output: "external-secrets",
  flags: ["-ldflags=-s -w"],
  trimmed: {
    module: "github.com/external-secrets/external-secrets",
    empty: ["pkg/provider/register", "pkg/generator/register"],
  },
  finish(directory, trimmed) {
    mkdirSync(join(directory, definitions));
    for (const kind of kinds) {
      const file = `${kind}.yaml`;
      copyFileSync(
        join(trimmed, "config", "crds", "bases", file),
        join(directory, definitions, file),
      );
    }
  },
};

/** The directory of the build. Its name changes with the sources. */
export const externalSecretsDir = (): string => targetOf(build);

/**
 * The operator's program and its custom resource definitions, built once.
 * @throws UserError where they cannot be built
 */
export async function ensureExternalSecrets(
  log: Log,
): Promise<{ readonly program: string; readonly definitions: string }> {
  const directory = await ensureBuilt(build, log);
  return { program: join(directory, build.output), definitions: join(directory, definitions) };
}
