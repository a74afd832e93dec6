import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { Problem } from "../problems";
import type { ServerSettings } from "../server";

type Code = NonNullable<ServerSettings["code"]>;

/** The limit of a ConfigMap in bytes, minus some room for names. */
const maxBytes = 1_000_000;

/** File name to text, sorted by name. Undefined when the directory does not exist. */
export function codeFiles(code: Code | undefined): Record<string, string> | undefined {
  if (code?.files !== undefined) return { ...code.files };
  const directory = resolve(projectDirectory(), code?.directory ?? ".");
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return undefined;
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".py"))
    .sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
}

/** Problems in a server's code that can be found without running it. */
export function codeProblems(at: string, code: Code): Problem[] {
  if ((code.files === undefined) === (code.directory === undefined)) {
    const problem = code.files === undefined ? "names no code." : "has both files and directory.";
    return [{ path: at, problem, fix: "Set one of code.directory and code.files." }];
  }
  const files = codeFiles(code);
  if (files === undefined) {
    return [
      {
        path: `${at}.directory`,
        problem: `"${code.directory ?? ""}" is no directory.`,
        fix: "Name one with Python files, from where Pulumi.yaml is.",
      },
    ];
  }
  return [...moduleProblems(at, code, files), ...sizeProblems(at, files)];
}

function moduleProblems(at: string, code: Code, files: Record<string, string>): Problem[] {
  const { app } = code;
  const file = `${app.split(":")[0] ?? ""}.py`;
  if (file in files) return [];
  const names = Object.keys(files);
  const there = names.length === 0 ? "there is no Python file" : `there are ${names.join(", ")}`;
  return [
    {
      path: `${at}.app`,
      problem: `"${app}" needs the file ${file}, and ${there}.`,
      fix: "Add the file, or set code.app to <module>:<attribute> of the ASGI application.",
    },
  ];
}

function sizeProblems(at: string, files: Record<string, string>): Problem[] {
  const bytes = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= maxBytes) return [];
  return [
    {
      path: at,
      problem: `is ${bytes} bytes, more than a ConfigMap holds (${maxBytes}).`,
      fix: "Put the code in an image of its own and use source image.",
    },
  ];
}

/** The directory of Pulumi.yaml: around the working directory, else around this program. */
function projectDirectory(): string {
  return around(process.cwd()) ?? around(__dirname) ?? process.cwd();
}

function around(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "Pulumi.yaml"))) return directory;
    if (dirname(directory) === directory) return undefined;
  }
}
