import { sdkScript } from "./sdk-script";

// The CLI starts this in the program's directory; the SDK's script reads the arguments by itself.
// eslint-disable-next-line @typescript-eslint/no-require-imports
require(sdkScript("dynamic-provider", process.cwd()));
