import { join } from "node:path";

import { paths } from "../../paths";

/* eslint-disable-next-line @typescript-eslint/no-require-imports -- a script, which the program uses too */
const { keepCompiledCode } = require(join(paths.projectDir, "cli", "compile-cache.cjs")) as {
  readonly keepCompiledCode: () => void;
};

// For later imports: the CLI starts its plugins anew for every command.
keepCompiledCode();
