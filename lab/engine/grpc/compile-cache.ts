import { enableCompileCache } from "node:module";

// For what is imported after it: the CLI starts its plugins anew for every command.
enableCompileCache();
