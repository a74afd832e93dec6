/** Names of the variables that a server gets from the stack's secrets. */
export interface SecretNames {
  readonly keys: readonly string[];
}
