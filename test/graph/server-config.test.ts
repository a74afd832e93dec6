import { type BadConfig, refusesEach, withExtra } from "../support/refusal";
import { fullStack } from "../support/resources";

const app = "app = object()\n";

describe("bad configuration of a server's gate", () => {
  refusesEach([
    {
      what: "without an image for it",
      plain: { ...withExtra({ gate: "start" }), probe: { from: "here" } },
      names: /\[probe\.image\] is missing, and servers\.extra\.gate needs it/,
      fix: /make images .*IMAGES=probe.*--path probe\.image/,
    },
    {
      what: "a bridge that would start a process for each question",
      plain: withExtra({ source: "bridge", stdio: "x", gate: "always" }),
      names: /\[servers\.extra\.gate\] is always, and a bridge starts a process/,
      fix: /--path servers\.extra\.gate start/,
    },
    {
      what: "a check that is none",
      plain: withExtra({ gate: "sometimes" }),
      names: /\[servers\.extra\.gate\]/,
      fix: /--path servers\.extra\.gate/,
    },
    {
      what: "a time to restart of a server that is asked once",
      plain: withExtra({ gate: { check: "start", restartSeconds: 60 } }),
      names: /\[servers\.extra\.gate\.restartSeconds\] means nothing with check: "start"/,
      fix: /check to "always"/,
    },
    {
      what: "a sidecar of its name",
      plain: withExtra({
        gate: "start",
        sidecars: [{ name: "mcp-gate", image: "registry.example/x:1" }],
      }),
      names:
        /\[servers\.extra\.sidecars\[0\]\.name\] "mcp-gate" is the name of the gate's container/,
      fix: /another name/,
    },
  ]);
});

describe("bad configuration of a server's source", () => {
  const cases: BadConfig[] = [
    {
      what: "a source that is none",
      plain: withExtra({ source: "imag" }),
      names: /\[servers\.extra\.source\].*"image"\|"bridge"\|"code"\|"shared"/,
      fix: /--path servers\.extra\.source/,
    },
    {
      what: "a bridge without its server",
      plain: withExtra({ source: "bridge" }),
      names: /\[servers\.extra\.stdio\] is missing/,
      fix: /stdio server's command line/,
    },
    {
      what: "a command for a bridge",
      plain: withExtra({ source: "bridge", stdio: "x", command: ["x"] }),
      names: /\[servers\.extra\.command\] has no effect on a server of source "bridge"/,
      fix: /Set stdio/,
    },
    {
      what: "code of a server whose source it is not",
      plain: withExtra({ code: { files: { "server.py": app } } }),
      names: /\[servers\.extra\.code\] has no effect on a server of source "image"/,
      fix: /source to "bridge" \(stdio\) or "code" \(code\)/,
    },
    {
      what: "a shared image without a command",
      plain: withExtra({ source: "shared" }),
      names: /\[servers\.extra\.command\] is missing/,
      fix: /other workload's image/,
    },
    {
      what: "no code",
      plain: withExtra({ source: "code" }),
      names: /\[servers\.extra\.code\] is missing/,
      fix: /code\.directory.*code\.files/,
    },
    {
      what: "code from two places",
      plain: withExtra({ source: "code", code: { directory: "x", files: { "server.py": app } } }),
      names: /\[servers\.extra\.code\] has both files and directory/,
      fix: /one of code\.directory and code\.files/,
    },
    {
      what: "code from nowhere",
      plain: withExtra({ source: "code", code: { app: "server:app" } }),
      names: /\[servers\.extra\.code\] names no code/,
      fix: /one of code\.directory and code\.files/,
    },
    {
      what: "a directory that is none",
      plain: withExtra({ source: "code", code: { directory: "no/such/place" } }),
      names: /\[servers\.extra\.code\.directory\] "no\/such\/place" is no directory/,
      fix: /where Pulumi\.yaml is/,
    },
    {
      what: "code without the application's module",
      plain: withExtra({ source: "code", code: { files: { "main.py": app } } }),
      names:
        /\[servers\.extra\.code\.app\] "server:app" needs the file server\.py, and there are main\.py/,
      fix: /set code\.app to <module>:<attribute>/,
    },
    {
      what: "an application that is none",
      plain: withExtra({ source: "code", code: { app: "server.py", files: { "server.py": app } } }),
      names: /\[servers\.extra\.code\.app\] must be <module>:<attribute>/,
      fix: /--path servers\.extra\.code\.app/,
    },
    {
      what: "a file that no module can be",
      plain: withExtra({ source: "code", code: { files: { "my-server.py": app } } }),
      names: /\[servers\.extra\.code\.files\["my-server\.py"\]\].*must be a Python file's name/,
      fix: /Rename it/,
    },
    {
      what: "more code than a ConfigMap holds",
      plain: withExtra({ source: "code", code: { files: { "server.py": "#".repeat(1_000_001) } } }),
      names: /\[servers\.extra\.code\] is 1000001 bytes/,
      fix: /image of its own/,
    },
    {
      what: "a probe that never asks",
      plain: withExtra({ probes: { readiness: { periodSeconds: 0 } } }),
      names: /\[servers\.extra\.probes\.readiness\.periodSeconds\]/,
      fix: /--path servers\.extra\.probes\.readiness\.periodSeconds/,
    },
    {
      what: "a reference to a variable that does not exist",
      plain: withExtra({ env: { URL: "postgresql://x:$(PASSWORD)@db/x" } }),
      names: /\[servers\.extra\.env\.URL\] refers to \$\(PASSWORD\), which is neither in env nor/,
      fix: /servers\.extra\.env\.PASSWORD to \{secret: <name>, key: <key>\}/,
    },
    {
      what: "variables that refer to each other",
      plain: withExtra({ env: { A: "$(B)", B: "$(A)" } }),
      names: /\[servers\.extra\.env\.A\] refers to itself/,
      fix: /\$\$\(A\)/,
    },
    {
      what: "a variable out of a Secret without its key",
      plain: withExtra({ env: { PASSWORD: { secret: "postgres-secret" } } }),
      names: /\[servers\.extra\.env\.PASSWORD[.\w]*\]/,
      fix: /--path servers\.extra\.env\.PASSWORD/,
    },
  ];
  refusesEach(cases);
});

describe("bad configuration of how a server runs", () => {
  const nodePort = (port: unknown): Record<string, unknown> => ({
    service: { type: "NodePort", nodePort: port, sourceRanges: ["10.20.0.0/24"] },
  });
  const cases: BadConfig[] = [
    {
      what: "an autoscaler of a server with sessions",
      plain: withExtra({ session: "stateful", autoscaling: { maxReplicas: 3 } }),
      names: /\[servers\.extra\.autoscaling\] would scale a server that keeps sessions/,
      fix: /session to "stateless"/,
    },
    {
      what: "an autoscaler that may have less than there are",
      plain: withExtra({ replicas: 4, autoscaling: { maxReplicas: 3 } }),
      names: /\[servers\.extra\.autoscaling\.maxReplicas\] is below/,
      fix: /Set it to 4 or more/,
    },
    {
      what: "an autoscaler without an end",
      plain: withExtra({ autoscaling: { minReplicas: 1 } }),
      names: /\[servers\.extra\.autoscaling\.maxReplicas\] is missing/,
      fix: /--path servers\.extra\.autoscaling\.maxReplicas/,
    },
    {
      what: "an autoscaler without a request to measure by",
      plain: withExtra({ autoscaling: { maxReplicas: 3 }, resources: { limits: { cpu: "1" } } }),
      names: /\[servers\.extra\.resources\.requests\.cpu\] is missing/,
      fix: /autoscaling\.cpuPercent/,
    },
    {
      what: "a share of more than all",
      plain: withExtra({ autoscaling: { maxReplicas: 3, cpuPercent: 170 } }),
      names: /\[servers\.extra\.autoscaling\.cpuPercent\] must be from 1 to 100/,
      fix: /--path servers\.extra\.autoscaling\.cpuPercent/,
    },
    {
      what: "a disruption budget of one replica",
      plain: withExtra({ disruptionBudget: {} }),
      names: /\[servers\.extra\.disruptionBudget\] protects nothing with one replica/,
      fix: /replicas to 2 or more/,
    },
    {
      what: "no time to end",
      plain: withExtra({ preStopSeconds: 30, terminationGraceSeconds: 30 }),
      names: /\[servers\.extra\.terminationGraceSeconds\] leaves the process no time/,
      fix: /more than 30/,
    },
    {
      what: "a node port out of its range",
      plain: withExtra(nodePort(30080)),
      names: /\[servers\.extra\.service\.nodePort\] must be from 31000 to 31999/,
      fix: /--path servers\.extra\.service\.nodePort/,
    },
    {
      what: "a node port taken twice",
      plain: {
        servers: {
          ...(fullStack.plain.servers as object),
          ...{ one: { image: "x:1", port: 80, ...nodePort(31100) } },
          ...{ two: { image: "x:1", port: 80, ...nodePort(31100) } },
        },
      },
      names: /\[servers\.two\.service\.nodePort\] 31100 is the node port of servers\.one too/,
      fix: /another port from 31000 to 31999/,
    },
    {
      what: "a node port of a Service within the cluster",
      plain: withExtra({ service: { type: "ClusterIP", nodePort: 31100 } }),
      names: /\[servers\.extra\.service\.nodePort\] has no effect/,
      fix: /service\.type to NodePort/,
    },
    {
      what: "an exposed server that nobody may call",
      plain: withExtra({ service: { type: "LoadBalancer" } }),
      names: /\[servers\.extra\.service\.sourceRanges\] is missing/,
      fix: /ranges of addresses that may call/,
    },
    {
      what: "a range without a mask",
      plain: withExtra({ egress: { to: [{ cidr: "10.20.0.40" }] } }),
      names: /\[servers\.extra\.egress\.to\[0\]\.cidr\] "10\.20\.0\.40" has no mask/,
      fix: /egress\.to\[0\]\.cidr/,
    },
    {
      what: "a range with an invalid prefix length",
      plain: withExtra({ egress: { to: [{ cidr: "10.20.0.0/33" }] } }),
      names:
        /\[servers\.extra\.egress\.to\[0\]\.cidr\] "10\.20\.0\.0\/33" has an invalid prefix length/,
      fix: /egress\.to\[0\]\.cidr/,
    },
    {
      what: "a range that is none",
      plain: withExtra({ egress: { to: [{ cidr: "db.example.com/32" }] } }),
      names: /\[servers\.extra\.egress\.to\[0\]\.cidr\] "db\.example\.com\/32" is no range/,
      fix: /egress\.to\[0\]\.cidr/,
    },
    {
      what: "a host name that is none",
      plain: withExtra({ egress: { fqdns: ["https://api.github.com/"] } }),
      names: /\[servers\.extra\.egress\.fqdns\[0\]\] must be a host name/,
      fix: /egress\.fqdns\[0\]/,
    },
    {
      what: "host names beside the whole internet",
      plain: withExtra({ egress: { profile: "internet", fqdns: ["api.github.com"] } }),
      names: /\[servers\.extra\.egress\.fqdns\] narrows nothing/,
      fix: /Set egress\.profile to "dns" or "cluster"/,
    },
    {
      what: "an egress profile that is none",
      plain: withExtra({ egress: "internett" }),
      names: /\[servers\.extra\.egress\].*"none"\|"dns"\|"cluster"\|"internet"/,
      fix: /Write servers\.extra\.egress in .*for example as/,
    },
    {
      what: "a transform of an object that there is none of",
      plain: withExtra({ transform: { deployments: {} } }),
      names: /\[servers\.extra\.transform\.deployments\] is not a known key/,
      fix: /Did you mean "servers\.extra\.transform\.deployment"\?/,
    },
  ];
  refusesEach(cases);
});
