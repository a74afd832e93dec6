import { benchAvailability } from "./availability";
import { benchDeploy } from "./deploy";
import { benchGate } from "./gate";
import { benchGraph } from "./graph";
import { benchList } from "./list";
import { benchMesh } from "./mesh";
import { benchProbe } from "./probe";
import { benchPulumi } from "./pulumi";
import { say, writeResults } from "./results";
import { benchRows } from "./rows";
import { benchStart } from "./start";

/** Every bench by name. Each records its results; arguments after the name are its own. */
const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  rows: benchRows,
  graph: benchGraph,
  probe: benchProbe,
  start: benchStart,
  list: benchList,
  mesh: benchMesh,
  deploy: benchDeploy,
  availability: benchAvailability,
  gate: benchGate,
  pulumi: benchPulumi,
};

async function main([name, ...args]: readonly string[]): Promise<void> {
  const chosen = name === undefined ? Object.keys(benches) : [name];
  for (const one of chosen) {
    const bench = benches[one];
    if (bench === undefined) {
      say(`There is no bench ${one}; there are ${Object.keys(benches).join(", ")}.`);
      process.exitCode = 2;
      return;
    }
    await bench(args);
  }
  writeResults();
}

void main(process.argv.slice(2));
