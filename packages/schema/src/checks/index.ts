export { claimsTwice, otherTransform } from "./claims";
export { meshProblems, storageProblems } from "./mesh";
export { scraperProblems } from "./observability";
export { nodePortsTwice } from "./operations";
export type { SecretNames } from "./secret-names";
export { sameNames, secretsWithoutServer, serverProblems } from "./servers";
export { studioProblems } from "./studio";
export { trustedAuthority, trustProblems } from "./tls";
