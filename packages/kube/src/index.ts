export { connectKube, type ConnectOptions, type Kube } from "./connect";
export {
  ApiError,
  apiMessage,
  asking,
  kubeError,
  oneLine,
  programSettings,
  type SettingNames,
  statusOf,
  UnreachableError,
} from "./errors";
export { getJson, postJson, type Query, type ServerAbout, serverAbout } from "./json";
export {
  type ForwardNames,
  openPortForward,
  type PortForward,
  type PortForwardRef,
} from "./port-forward";
