import "../grpc/compile-cache";

import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";

import { engineAddress, servePlugin } from "../grpc/serve";
import { Children } from "./children";
import { languageHost } from "./service";

const children = new Children();
const engine = engineAddress(process.argv.slice(2));
void servePlugin(LanguageRuntimeService, languageHost(engine, children), () => children.stop());
