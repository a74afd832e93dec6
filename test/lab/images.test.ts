import assert from "node:assert/strict";
import { appendFile, cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { Building } from "../../lab/images/build";
import { withBuildah } from "../../lab/images/builders";
import { bundledPrograms, Planner } from "../../lab/images/plan";
import { bareStandIns, type RecipeName, recipes } from "../../lab/images/recipes";
import { consoleLog } from "../../lab/log";
import { paths } from "../../lab/paths";

describe("the Dockerfiles of images/, built", function () {
  this.timeout(30 * 60_000);
  let cluster: Cluster;
  const log = consoleLog();

  before(async () => {
    cluster = await ensureCluster(log);
  });

  it("each makes an image that the cluster takes", async () => {
    const files = await readdir(join(paths.projectDir, "images"), { recursive: true });
    const dockerfiles = files.filter((file) => /^[^/]+\/Dockerfile$/.test(file));
    const names = dockerfiles.map((file) => file.replace("/Dockerfile", "") as RecipeName);
    assert.ok(names.length >= 10, names.join());
    const images = await ensureImages(cluster, log, names);
    for (const name of names) assert.equal(await cluster.hasImage(images[name]), true, name);
  });

  it("bundle by themselves the same programs that the lab puts in", async function () {
    if (cluster.engine !== "bare") {
      process.stdout.write("    skipped: the check is made with buildah, on the bare lab\n");
      this.skip();
    }
    const programs = bundledPrograms();
    const node = await new Planner(bareStandIns, programs).plan("node");
    await withBuildah(log, async (builder, scratch) => {
      const there = await builder.list();
      await new Building(builder, there, programs, scratch, log).build([node]);
      for (const { dockerfile, programs: { build = {} } = {} } of Object.values(recipes)) {
        for (const [file, program] of Object.entries(build)) {
          // The unchanged stage, and then only its results.
          const copy = join(scratch, "Dockerfile");
          await cp(join(paths.projectDir, dockerfile), copy);
          await cp(join(paths.projectDir, `${dockerfile}.dockerignore`), `${copy}.dockerignore`);
          await appendFile(copy, `\nFROM scratch\nCOPY --from=build /${file} /program.js\n`);
          const out = join(scratch, program);
          await builder.build([
            ...["--layers=false", "--file", copy, "--output", `type=local,dest=${out}`],
            ...["--build-context", `node:\${NODE}=docker-image://${node.ref}`, paths.projectDir],
          ]);
          const made = await readFile(join(out, "program.js"), "utf8");
          assert.equal(made === (await programs(program)), true, `${dockerfile}: another program`);
        }
      }
    });
  });
});
