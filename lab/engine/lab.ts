import { join } from "node:path";

import { runProgram } from "../runner/runner";
import { State } from "../runner/state";
import type { RunResult } from "../runner/types";
import { isSecret, revealObject } from "../runner/wire";
import type { Engine, EngineRequest } from "./types";

const stateFile = (request: EngineRequest): string => join(request.runDir, "state.json");

/** The engine for a machine without the Pulumi CLI. Its state is `state.json` in the run directory. */
export function labEngine(reason: string): Engine {
  const go = (mode: "preview" | "up" | "destroy", request: EngineRequest): Promise<RunResult> =>
    runProgram({ ...request, mode, stateFile: stateFile(request) });
  return {
    name: "lab runner",
    reason,
    preview: (request) => go("preview", request),
    up: (request) => go("up", request),
    destroy: (request) => go("destroy", request),
    outputs(request) {
      const state = new State(stateFile(request), request.stack, request.statePassphrase);
      return Promise.resolve({
        outputs: revealObject(state.outputs),
        secretOutputs: Object.keys(state.outputs).filter((key) => isSecret(state.outputs[key])),
      });
    },
  };
}
