export { connectKube, type ConnectOptions, type Kube } from "./connect";
export { eventsFor, lacksPods } from "./creation-events";
export {
  ApiError,
  apiMessage,
  asking,
  ifThere,
  kubeError,
  NoSuchContextError,
  oneLine,
  programSettings,
  type SettingNames,
  statusOf,
  UnreachableError,
} from "./errors";
export { follow, type FollowOptions, type Watched } from "./follow";
export {
  getJson,
  getMetadata,
  type ObjectMetadata,
  postJson,
  type Query,
  type ServerAbout,
  serverAbout,
} from "./json";
export { followJob, type JobRef, podsOfJob } from "./jobs";
export { lastWords, wordsText, type LastWords } from "./last-words";
export * from "./names";
export { type ObjectKey, objectKeyText, readObjectKey, UnreadKeyError } from "./objects";
export { isPodOf, isReady, mayRun, selectorText } from "./pods";
export {
  creationTrouble,
  namesAccount,
  podTrouble,
  type PodTrouble,
  type PodTroubleKind,
  type Trouble,
} from "./pod-trouble";
export {
  type ForwardNames,
  openPortForward,
  type PortForward,
  type PortForwardRef,
} from "./port-forward";
export { restrictedContainer, restrictedPod } from "./restricted";
export {
  allTroubles,
  isObserved,
  oldReplicas,
  pendingReason,
  stuckReason,
  type Troubles,
  troublesOf,
  unreadyReason,
  wantedReplicas,
} from "./rollout";
export * from "./servers/index";
export { troublesNow } from "./troubles-now";
export {
  followRollout,
  getWorkload,
  podsOf,
  readWorkload,
  refOf,
  tagged,
  watchedPods,
  watchedWorkload,
  type WorkloadRef,
} from "./workloads";
