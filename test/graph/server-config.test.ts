import { type BadConfig, refusesEach } from "../support/refusal";
import { fullStack } from "../support/resources";

/** The working stack with one more server. */
function withExtra(settings: Record<string, unknown>): BadConfig["plain"] {
  const extra = { image: "registry.example/extra:1.0.0", port: 8100, ...settings };
  return { servers: { ...(fullStack.plain.servers as object), extra } };
}

const app = "app = object()\n";

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
      names: /\[servers\.extra\.command\] means nothing for a server of source "bridge"/,
      fix: /Set stdio/,
    },
    {
      what: "code of a server whose source it is not",
      plain: withExtra({ code: { files: { "server.py": app } } }),
      names: /\[servers\.extra\.code\] means nothing for a server of source "image"/,
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
      names: /\[servers\.extra\.code\.files\.my-server\.py\].*must be a Python file's name/,
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
