import { PassThrough } from "node:stream";

import { Exec } from "@kubernetes/client-node";

import { kubeConfigOf } from "../../lab/kube";

/** What a process in a pod can find out about itself. */
export interface Inside {
  readonly uid: string;
  /** The effective capabilities as a bit mask in hexadecimal. */
  readonly capabilities: string;
  readonly noNewPrivileges: string;
  /** 2: a filter is active. */
  readonly seccomp: string;
  readonly writesRoot: boolean;
  readonly token: boolean;
  /** Variables that Kubernetes adds for other Services; those of the API server are always there. */
  readonly serviceLinks: readonly string[];
}

/** Reads it with shell built-ins and commands that every image of the lab has. */
const script = `
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status | cut -f1; }
echo "uid $(status Uid)"
echo "capabilities $(status CapEff)"
echo "noNewPrivileges $(status NoNewPrivs)"
echo "seccomp $(status Seccomp)"
for directory in / /etc /usr/local/bin /opt; do
  if touch "$directory/.written" 2>/dev/null; then echo "writesRoot true"; fi
done
if [ -e /var/run/secrets/kubernetes.io ]; then echo "token true"; fi
env | grep -v ^KUBERNETES_ | sed -n 's/^\\([A-Z0-9_]*_PORT\\)=tcp:.*/serviceLink \\1/p'
`;

/** Runs the script in the server's container, with the same rights. */
export async function insideOf(
  kubeconfig: string,
  context: string,
  pod: { readonly namespace: string; readonly name: string; readonly container: string },
): Promise<Inside> {
  const config = kubeConfigOf({ kubeconfig, context });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const lines: string[] = [];
  stdout.on("data", (chunk: Buffer) => lines.push(chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    const { namespace, name, container } = pod;
    const command = ["sh", "-c", script];
    new Exec(config)
      .exec(namespace, name, container, command, stdout, stderr, null, false, (status) => {
        if (status.status === "Success") resolve();
        else reject(new Error(`exec in ${namespace}/${name}: ${status.message ?? "failed"}`));
      })
      .catch(reject);
  });
  const found = lines
    .join("")
    .split("\n")
    .map((line) => line.split(" ", 2) as [string, string?]);
  const value = (name: string): string => found.find(([key]) => key === name)?.[1] ?? "";
  return {
    uid: value("uid"),
    capabilities: value("capabilities"),
    noNewPrivileges: value("noNewPrivileges"),
    seccomp: value("seccomp"),
    writesRoot: value("writesRoot") === "true",
    token: value("token") === "true",
    serviceLinks: found.flatMap(([key, name]) => (key === "serviceLink" ? [name ?? ""] : [])),
  };
}
