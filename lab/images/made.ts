import { cp, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { basename, join } from "node:path";

import { binary, binaryDir, components, kubernetesVersion } from "../cluster/binaries";
import { kindBaseFiles, kindDir, kubeadmBinary, kubeadmDir } from "../cluster/kind-binaries";
import { run } from "../exec";
import { ensureExternalSecrets, externalSecretsDir } from "../external-secrets";
import { consoleLog } from "../log";
import { paths } from "../paths";
import { makeRoot, rootParts } from "./debian";
import { engineParts, writeEngine } from "./engine";
import { filesAsParts } from "./fingerprint";
import { binaryImageNames, type Recipe } from "./recipes";

/** Hand-made files for a Dockerfile of the lab. */
interface Made {
  /** A description for messages. */
  readonly what: string;
  /** What determines them. */
  readonly parts: () => (string | Buffer)[];
  readonly write: (dir: string) => Promise<void>;
}

const nodeFiles = ["package.json", "package-lock.json"].map((file) => `lab/images/node/${file}`);

/** The lab's own part of a node of kind. */
const kindFiles = "lab/images/kind-node/files";

/** The one binary of Kubernetes, under all its names. */
async function writePrograms(dir: string): Promise<void> {
  await cp(join(binaryDir(), "kubernetes"), join(dir, "kubernetes"));
  for (const name of components) await symlink("kubernetes", join(dir, name));
}

export const made: Readonly<Record<NonNullable<Recipe["made"]>, Made>> = {
  binaries: {
    what: "a directory with the cluster's own programs",
    parts: () => [basename(binaryDir())],
    async write(dir) {
      for (const name of binaryImageNames) await cp(binary(name), join(dir, name));
    },
  },
  engine: {
    what: "a directory with Pulumi's CLI and its plugins",
    parts: engineParts,
    write: writeEngine,
  },
  "external-secrets": {
    what: "a directory with the External Secrets Operator",
    parts: () => [basename(externalSecretsDir())],
    async write(dir) {
      const { program } = await ensureExternalSecrets(consoleLog());
      await cp(program, join(dir, basename(program)));
    },
  },
  "kind-components": {
    what: "a directory with what kubeadm starts",
    parts: () => [basename(binaryDir())],
    write: (dir) => writePrograms(join(dir, "components")),
  },
  "kind-node": {
    what: "a directory with kind's files and Kubernetes",
    parts: () => [
      ...[binaryDir(), kindDir(), kubeadmDir()].map((one) => basename(one)),
      ...filesAsParts([kindFiles]),
    ],
    async write(dir) {
      await cp(kindBaseFiles(), join(dir, "kind"), { recursive: true });
      await cp(join(paths.projectDir, kindFiles), join(dir, "own"), { recursive: true });
      await writePrograms(join(dir, "bin"));
      await cp(kubeadmBinary(), join(dir, "bin", "kubeadm"));
      await writeFile(join(dir, "own", "kind", "version"), kubernetesVersion());
    },
  },
  debian: { what: "a Debian root with Python", parts: rootParts, write: makeRoot },
  node: {
    what: "a directory with Node.js and npm",
    parts: () => filesAsParts(nodeFiles),
    async write(dir) {
      for (const file of nodeFiles) {
        await cp(join(paths.projectDir, file), join(dir, file.replace(/.*\//, "")));
      }
      const quiet = ["--no-audit", "--no-fund", "--no-workspaces", "--no-update-notifier"];
      await run("npm", ["ci", "--omit=dev", "--ignore-scripts", ...quiet], {
        cwd: dir,
        timeoutSeconds: 600,
      });
      const local = join(dir, "usr", "local");
      for (const name of ["bin", "lib/node_modules"]) {
        await mkdir(join(local, name), { recursive: true });
      }
      const modules = join(dir, "node_modules");
      const machine = arch() === "arm64" ? "arm64" : "x64";
      await rename(join(modules, `node-linux-${machine}/bin/node`), join(local, "bin/node"));
      await rename(join(modules, "npm"), join(local, "lib/node_modules/npm"));
      for (const name of ["npm", "npx"]) {
        await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
      }
    },
  },
};
