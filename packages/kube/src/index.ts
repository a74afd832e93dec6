export { connectKube, type ConnectOptions, type Kube } from "./connect";
export {
  ApiError,
  apiMessage,
  asking,
  kubeError,
  NoSuchContextError,
  oneLine,
  programSettings,
  type SettingNames,
  statusOf,
  UnreachableError,
} from "./errors";
export { getJson, postJson, type Query, type ServerAbout, serverAbout } from "./json";
export { isPodOf, mayRun, selectorText } from "./pods";
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
export {
  isObserved,
  oldReplicas,
  pendingReason,
  stuckReason,
  type Troubles,
  troublesOf,
  wantedReplicas,
} from "./rollout";
export { isServer, keyAnnotation, serverName, serverSelector } from "./servers";
