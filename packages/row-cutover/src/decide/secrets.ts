import { literal } from "../postgres/identifiers";

const secretName =
  "TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|(^|_)(PAT|PWD|AUTH|KEY)$";
const secret = new RegExp(secretName, "i");

/** Whether an environment variable holds a credential, going by its name. */
export function looksSecret(name: string): boolean {
  return secret.test(name);
}

/** The same in SQL. */
export function looksSecretSql(name: string): string {
  return `${name} ~* ${literal(secretName)}`;
}
