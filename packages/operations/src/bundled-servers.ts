import { integratedServers } from "@mcp-fleet/catalog";

/** An MCP server that an application's image may have bundled, and what it leaves there. */
interface BundledServer {
  /** The server's key in the rows. */
  readonly key: string;
  /** Paths as `find -path` takes them: commands, packages and scripts, wherever they are installed. */
  readonly traces: readonly string[];
}

const command = (...names: string[]): string[] => names.map((name) => `*/bin/${name}`);
const pythonPackage = (name: string): string => `*/${name}-*.dist-info`;
const npmPackage = (name: string): string => `*/node_modules/${name}`;

/** The catalog's servers. Commands and scripts are those of the rows before the cutover, packages those behind them. */
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

/** Commands that fetch and start a server which is in no image. */
const launchers = command("npx", "uvx", "pipx", "bunx");

/** What the look into an image prints last; without it the output is not the whole of it. */
const end = "looked at every directory";

/** What an image holds of the servers that were bundled. */
export interface ImageContents {
  /** Server key -> paths, of the servers that are still there. */
  readonly bundled: Readonly<Record<string, readonly string[]>>;
  /** `npx` and its like: they hold no server, but start one that a row names. */
  readonly launchers: readonly string[];
  /** Directories that the pod's user may not read, and so may start nothing from. */
  readonly unreadable: readonly string[];
}

/**
 * A shell's script that prints the path of every trace in the image's own file system; volumes are left out.
 * Needs `sh` and `find`, as Debian, Alpine and busybox have them.
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

/** Reads what {@link lookScript} printed; undefined when it did not come to its end. */
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

/** `*` stands for any text, slashes included, as `find -path` has it. */
function asPattern(trace: string): RegExp {
  const escaped = trace.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}
