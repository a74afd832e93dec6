export * from "./catalog";
export * from "./check";
export * from "./cidr";
export * from "./checks";
export { defaultResources, type ExtraContainer } from "./container";
export type { Egress } from "./egress";
export { fitsGate, type Gate, gateContainer, gateOf } from "./gate";
export type { HeaderValue } from "./headers";
export type { Health, Probes, ProbeTimes } from "./health";
export { codePath, dnsName, placeOf, port, tokenPath } from "./fields";
export { agent, type MeshSettings } from "./mesh";
export { clusterRanges, dns } from "./network";
export * from "./file";
export { ownValue } from "./own";
export { parseServer } from "./parse-server";
export * from "./paths";
export { jsonSchemaOf } from "./json-schema";
export * from "./pod";
export * from "./problems";
export * from "./prune";
export { readYaml } from "./read-yaml";
export * from "./references";
export { givenStorage, registry } from "./registry";
export * from "./resolve";
export { claimTemplates, isReplaced, workloadKind } from "./rollout";
export type { SecretSource } from "./secret";
export * from "./server";
export type { EnvValue } from "./server-env";
export * from "./shared";
export * from "./stack";
export { imagesOfStack, renameImages, type StackImage, type WithImages } from "./stack-images";
export type { Authority } from "./tls";
export { type ToolsCheck, toolsOf } from "./tools";
export * from "./tools-lock";
export { valueOfText } from "./values";
export { directoryVolumes, fileVolume, gateVolume } from "./volume-names";
export {
  type VerifyImages,
  type VerifyImagesRule,
  verifyImages,
  wholeMatch,
} from "./verify-images";
export type { ServerVolume } from "./volume";
