export { findEngine, type Installation } from "./find";
export {
  environmentOf,
  forgetStacks,
  openStack,
  passphraseFile,
  placeFile,
  stackName,
} from "./stack";
