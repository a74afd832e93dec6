import "../../grpc/compile-cache";

import { version } from "@pulumi/random/package.json";

import { servePlugin } from "../plugin";
import { randomPassword } from "./password";

void servePlugin({ name: "random", version, types: [randomPassword] });
