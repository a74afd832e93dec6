import { isUserError } from "@mcp-fleet/errors";
import { Command } from "commander";

import { render } from "./render";
import { writeDirectory } from "./write";

interface Options {
  readonly out: string;
  readonly serversOnly: boolean;
  readonly assumeSecret: string[];
  readonly withSecret: string[];
}

async function main(file: string, options: Options): Promise<void> {
  const rendered = await render({
    file,
    directory: options.out,
    serversOnly: options.serversOnly,
    assumedSecrets: options.assumeSecret,
    withSecrets: options.withSecret,
  });
  const files = writeDirectory(options.out, file, rendered);
  const lines = [
    `${rendered.objects.length} objects in ${files.length - 1} files under ${options.out}.`,
    ...rendered.references.map(
      ({ name, namespace, keys }) =>
        `Secret ${namespace}/${name} is referred to and not written; make it first, with ${keys.join(", ")}.`,
    ),
    `Next: kubectl apply --server-side -k ${options.out}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

new Command("render")
  .description("Writes a stack as plain Kubernetes YAML with a kustomization.yaml")
  .argument("<file>", "Pulumi.<stack>.yaml, or the output of pulumi config --json --show-secrets")
  .option("--out <directory>", "where to write", "out/render")
  .option("--servers-only", "without the row rewrite and the application", false)
  .option("--assume-secret <server.KEY...>", "secrets that the file does not hold", [])
  .option("--with-secret <name...>", "Secrets to write with their values", [])
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    if (!isUserError(error)) throw error;
    process.stderr.write(`${error.problem}\n${error.fix}\n`);
    process.exitCode = error.exitCode;
  });
