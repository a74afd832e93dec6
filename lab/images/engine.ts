import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

import { engineBuilds, ensureBuiltEngine } from "../engine/build";
import { installLaunchers } from "../engine/language-host/launchers";
import { installPlugins } from "../engine/providers/launchers";
import { consoleLog } from "../log";
import { paths } from "../paths";
import { filesAsParts } from "./fingerprint";

/** The lab's own scripts that the CLI starts. */
const scripts = [
  "language-host/main",
  "language-host/dynamic-provider",
  "providers/random/main",
  "providers/postgresql/main",
];

const sources = ["grpc", "language-host", "providers"].map((name) => `lab/engine/${name}`);

/** The program's directory in its image. The scripts run there, where they find its packages. */
const program = "/app";

/** What determines the directory that {@link writeEngine} creates. */
export const engineParts = (): (string | Buffer)[] => [
  ...engineBuilds(),
  ...filesAsParts([...sources, "lab/images/engine.ts"]),
];

/** Writes Pulumi's CLI with its plugins in the layout for an image. */
export async function writeEngine(dir: string): Promise<void> {
  const { command, home } = await ensureBuiltEngine(consoleLog());
  const place = { node: "node", engine: `${program}/dist/lab/engine` };
  await cp(command, join(dir, "pulumi/bin/pulumi"));
  installLaunchers(join(dir, "pulumi/bin"), place);
  const plugins = join(dir, "opt/pulumi-home/plugins");
  for (const name of await readdir(join(home, "plugins"))) {
    if (!/^resource-kubernetes-v[\d.]+$/.test(name)) continue;
    await cp(join(home, "plugins", name), join(plugins, name), { recursive: true });
  }
  installPlugins(join(dir, "opt/pulumi-home"), place);
  await build({
    absWorkingDir: paths.projectDir,
    entryPoints: scripts.map((name) => `lab/engine/${name}.ts`),
    outbase: "lab",
    outdir: join(dir, program, "dist/lab"),
    bundle: true,
    platform: "node",
    external: ["@pulumi/*", "@grpc/grpc-js", "google-protobuf", "pg"],
    // `lab/paths.ts` uses it to find the program.
    define: { __dirname: JSON.stringify(`${program}/dist/lab`) },
    logLevel: "error",
  });
}
