export { type FindLogin, findingLogins, loginsIn, type RegistryLogin } from "./login";
export { type ImageReference, nameOf, parseImage, pinned } from "./reference";
export { askRegistry, type ImageAnswer } from "./registry";
export { type ImageRule, readRules } from "./rules";
export { type ImageVerdict, type RuleFault, verifyImage, type VerifyOptions } from "./verify";
