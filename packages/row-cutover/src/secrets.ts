const secretName =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|(^|_)(PAT|PWD|AUTH|KEY)$/i;

/** Whether an environment variable holds a credential, going by its name. */
export function looksSecret(name: string): boolean {
  return secretName.test(name);
}
