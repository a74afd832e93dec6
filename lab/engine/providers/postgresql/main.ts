import "../../grpc/compile-cache";

import { version } from "@pulumi/postgresql/package.json";

import { servePlugin } from "../plugin";
import { refuseSettings, settingsOf } from "./settings";
import { postgresqlTypes } from "./types";

let settings = settingsOf({});

void servePlugin({
  name: "postgresql",
  version,
  types: postgresqlTypes(() => settings),
  refuseConfig: refuseSettings,
  configure: (config) => {
    settings = settingsOf(config);
  },
});
