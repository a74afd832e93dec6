import { integratedServers } from "@mcp-fleet/catalog";

/** An MCP server that may be bundled in an application's image, and the files it has there. */
interface BundledServer {
  /** The server's key in the rows. */
  readonly key: string;
  /** Paths as `find -path` matches them: commands, packages and scripts, wherever they are installed. */
  readonly traces: readonly string[];
}

const command = (...names: string[]): string[] => names.map((name) => `*/bin/${name}`);
const pythonPackage = (name: string): string => `*/${name}-*.dist-info`;
const npmPackage = (name: string): string => `*/node_modules/${name}`;

/**
 * The catalog's servers. Commands and scripts are those in the rows before the cutover, packages those they
 * belong to.
 */
export const bundledServers: readonly BundledServer[] = Object.entries(integratedServers).map(
  ([key, { traces }]) => ({
    key,
    traces: [
      ...command(...(traces.programs ?? [])),
      ...(traces.files ?? []),
      ...(traces.npm ?? []).map(npmPackage),
      ...(traces.python ?? []).map(pythonPackage),
    ],
  }),
);

/** Commands that download and start a server that no image contains. */
const launchers = command("npx", "uvx", "pipx", "bunx");

/** The last line of the script's output; without it the output is incomplete. */
const end = "looked at every directory";

/** What an image contains of the formerly bundled servers. */
export interface ImageContents {
  /** Server key to paths, of the servers that are still there. */
  readonly bundled: Readonly<Record<string, readonly string[]>>;
  /** `npx` and similar commands: they contain no server, but can start one that a row names. */
  readonly launchers: readonly string[];
  /** Directories that the pod's user may not read; nothing can be started from there. */
  readonly unreadable: readonly string[];
}

/**
 * A shell script that prints the path of every trace in the image's own file system, without volumes. It needs
 * `sh` and `find`, as in Debian, Alpine and busybox.
 */
export function lookScript(): string {
  const paths = [...bundledServers.flatMap(({ traces }) => traces), ...launchers];
  const wanted = paths.map((path) => `-path '${path}'`).join(" -o ");
  const system = ["/proc", "/sys", "/dev"].map((path) => `-path ${path}`).join(" -o ");
  return [
    "export LC_ALL=C",
    "command -v find >/dev/null || exit 127",
    `find / -xdev \\( ${system} \\) -prune -o \\( ${wanted} \\) -print -prune 2>&1`,
    `echo '${end}'`,
  ].join("\n");
}

/** Parses the output of {@link lookScript}; undefined when it is incomplete. */
export function imageContents(printed: string): ImageContents | undefined {
  const lines = printed.trimEnd().split("\n");
  if (lines.pop() !== end) return undefined;
  const found = lines.filter((line) => line.startsWith("/")).sort();
  const matching = (traces: readonly string[]): string[] =>
    found.filter((path) => traces.some((trace) => asPattern(trace).test(path)));
  const bundled = bundledServers.map(({ key, traces }) => [key, matching(traces)] as const);
  return {
    bundled: Object.fromEntries(bundled.filter(([, paths]) => paths.length > 0)),
    launchers: matching(launchers),
    unreadable: lines.flatMap(
      (line) => /^find: '?(\/[^']*?)'?: Permission denied$/.exec(line)?.[1] ?? [],
    ),
  };
}

/** `*` matches any text, slashes included, as in `find -path`. */
function asPattern(trace: string): RegExp {
  const escaped = trace.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}
