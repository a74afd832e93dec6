import { randomBytes } from "node:crypto";

import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb";
import {
  type CheckRequest,
  CheckResponse,
  ConfigureResponse,
  CreateResponse,
  type DiffRequest,
  DiffResponse,
  GetMappingResponse,
  GetMappingsResponse,
  GetSchemaResponse,
  ProviderHandshakeResponse,
  type ReadRequest,
  ReadResponse,
  UpdateResponse,
} from "@pulumi/pulumi/proto/provider_pb";

import { Empty } from "../grpc/sdk";
import { configOf, refused, typeNamed, unary, unsupported } from "./calls";
import { tellEngine } from "./engine-log";
import type { Plugin } from "./plugin-type";
import { differences, inputsOf, planned, unknownInputs } from "./resource-type";
import { hasUnknown, revealObject, sameValue } from "./values";
import { plainOf, sealed, structOf, wireOf } from "./wire";

const { DIFF_NONE, DIFF_SOME } = DiffResponse.DiffChanges;

/**
 * A plugin as the engine talks to it. The SDK's own provider server cannot be it: it hands a provider's
 * configuration to nobody, and knows no preview.
 *
 * @param engine its address, for messages
 */
export function providerService(
  plugin: Plugin,
  engine: string | undefined,
): IResourceProviderServer {
  let engineAddress = engine;
  let isTold = false;

  /** Once per process, and only when it is used: the engine also starts plugins for other purposes. */
  async function tellWhatThisIs(): Promise<void> {
    if (isTold || engineAddress === undefined) return;
    isTold = true;
    await tellEngine(
      engineAddress,
      `The lab's own ${plugin.name} plugin stands in for the real one, version ${plugin.version}, which cannot be had here.`,
    );
  }

  return {
    handshake: unary((request) => {
      engineAddress = request.getEngineAddress();
      return new ProviderHandshakeResponse().setAcceptSecrets(true);
    }),
    attach: unary((request) => {
      engineAddress = request.getAddress();
      return new Empty();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(plugin.version)),
    getSchema: unary(() => new GetSchemaResponse().setSchema("{}")),
    getMapping: unary(() => new GetMappingResponse()),
    getMappings: unary(() => new GetMappingsResponse()),
    // A running step is completed; the engine waits for it.
    cancel: unary(() => new Empty()),

    checkConfig: unary((request) => {
      const failures = plugin.refuseConfig?.(configOf(request.getNews())) ?? [];
      return refused(new CheckResponse().setInputs(request.getNews()), failures);
    }),
    diffConfig: unary((request) => {
      const [olds, news] = [configOf(request.getOlds()), configOf(request.getNews())];
      return new DiffResponse().setChanges(sameValue(olds, news) ? DIFF_NONE : DIFF_SOME);
    }),
    configure: unary(async (request) => {
      plugin.configure?.(configOf(request.getArgs()));
      await tellWhatThisIs();
      return new ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),

    check: unary((request) => check(plugin, request)),
    diff: unary((request) => diff(plugin, request)),
    create: unary(async (request) => {
      const type = typeNamed(plugin, request.getType());
      const inputs = plainOf(request.getProperties());
      const found = request.getPreview()
        ? { id: "", state: planned(type, inputs, undefined) }
        : await type.create(inputs);
      const properties = sealed(type, found.state, [request.getProperties()]);
      return new CreateResponse().setId(found.id).setProperties(properties);
    }),
    read: unary((request) => read(plugin, request)),
    update: unary(async (request) => {
      const type = typeNamed(plugin, request.getType());
      const [state, inputs] = [plainOf(request.getOlds()), plainOf(request.getNews())];
      const updated =
        request.getPreview() || type.update === undefined
          ? planned(type, inputs, state)
          : await type.update({ id: request.getId(), state }, inputs);
      return new UpdateResponse().setProperties(sealed(type, updated, [request.getNews()]));
    }),
    delete: unary(async (request) => {
      const type = typeNamed(plugin, request.getType());
      await type.remove({ id: request.getId(), state: plainOf(request.getProperties()) });
      return new Empty();
    }),

    invoke: unsupported(plugin, "has no functions"),
    call: unsupported(plugin, "has no methods"),
    construct: unsupported(plugin, "makes no components"),
    parameterize: unsupported(plugin, "takes no parameters"),
    list: unsupported(plugin, "lists nothing"),
  };
}

function check(plugin: Plugin, request: CheckRequest): CheckResponse {
  const type = typeNamed(plugin, request.getType());
  const named = wireOf(request.getNews());
  if ("name" in type.attributes && named.name === undefined) {
    const before = wireOf(request.getOlds());
    // Like the real plugins: the resource's name and seven random digits, constant afterwards.
    const digits = randomBytes(4).toString("hex").slice(0, 7);
    named.name = before.name ?? `${request.getName()}-${digits}`;
  }
  const inputs = revealObject(named);
  const failures = [
    ...unknownInputs(type, inputs),
    ...(hasUnknown(inputs) ? [] : (type.refuse?.(inputs) ?? [])),
  ];
  return refused(new CheckResponse().setInputs(structOf(named)), failures);
}

function diff(plugin: Plugin, request: DiffRequest): DiffResponse {
  const type = typeNamed(plugin, request.getType());
  const state = plainOf(request.getOlds());
  const ignored = new Set(request.getIgnorechangesList());
  const found = differences(type, state, plainOf(request.getNews()));
  const changed = found.changed.filter((name) => !ignored.has(name));
  return new DiffResponse()
    .setChanges(changed.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setDiffsList(changed)
    .setReplacesList(found.replaces.filter((name) => !ignored.has(name)));
}

async function read(plugin: Plugin, request: ReadRequest): Promise<ReadResponse> {
  const type = typeNamed(plugin, request.getType());
  const state = plainOf(request.getProperties());
  const before = plainOf(request.getInputs());
  const isImport = Object.keys(state).length === 0;
  const found = await type.read(request.getId(), isImport ? undefined : state);
  // An empty answer means that it does not exist.
  if (found === undefined) return new ReadResponse();
  const inputs = inputsOf(type, found.state, isImport ? undefined : before);
  const like = [request.getProperties(), request.getInputs()];
  return new ReadResponse()
    .setId(found.id)
    .setProperties(sealed(type, found.state, like))
    .setInputs(sealed(type, inputs, like));
}
