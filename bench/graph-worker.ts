/** The program alone under the SDK's test monitor, in a process of its own: the number of servers is the argument. */
import { fullStack, runProgram } from "../test/support/resources";

/** What a worker says. */
export interface GraphAnswer {
  /** From reading the configuration to the last registration. */
  readonly seconds: number;
  readonly maxRssMiB: number;
  readonly resources: number;
}

async function main(servers: number): Promise<void> {
  const custom = Array.from({ length: servers }, (_, n) => [
    `server-${n}`,
    { source: "image", image: "registry.example/server:1.0.0", port: 8000, path: "/mcp" },
  ]);
  const started = performance.now();
  const { recorder } = await runProgram({
    ...fullStack,
    plain: { ...fullStack.plain, servers: Object.fromEntries(custom) as object },
    secret: { ...fullStack.secret, serverSecrets: {} },
  });
  const answer: GraphAnswer = {
    seconds: (performance.now() - started) / 1000,
    maxRssMiB: process.resourceUsage().maxRSS / 1024,
    resources: recorder.resources.length,
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

void main(Number(process.argv[2]));
