export { findEngine, type Installation } from "./find";
export {
  environmentOf,
  forgetAllStacks,
  forgetStacks,
  openStack,
  passphraseFile,
  placeFile,
  stackName,
} from "./stack";
