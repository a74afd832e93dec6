import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { AboutResponse, type ProgramInfo } from "@pulumi/pulumi/proto/language_pb";

import { packageManagerOf, withOwnNode } from "./dependencies";
import { runtimeOptions } from "./options";

/** The part of `pulumi about` about the language. */
export async function about(info: ProgramInfo | undefined): Promise<AboutResponse> {
  const manager = packageManagerOf(runtimeOptions(info), info?.getProgramDirectory() ?? ".");
  const response = new AboutResponse().setExecutable(process.execPath).setVersion(process.version);
  response.getMetadataMap().set("languageHost", "mcp-fleet's own, in place of the official one");
  response.getMetadataMap().set("packagemanager", manager);
  try {
    const { stdout } = await promisify(execFile)(manager, ["--version"], {
      ...{ env: withOwnNode(process.env), timeout: 20_000 },
    });
    response.getMetadataMap().set("packagemanagerVersion", stdout.trim());
  } catch {
    // Without a version if it is not installed.
  }
  return response;
}
