import { secretName } from "../decide/credentials";
import { literal } from "./identifiers";

/** `looksSecret` in SQL. */
export function looksSecretSql(name: string): string {
  return `${name} ~* ${literal(secretName)}`;
}

const tellingText =
  'token|secret|passw|passphrase|api[-_]?key|private[-_]?key|access[-_]?key|credential|(^|[^a-z0-9])(pat|pwd|auth|key)|authorization|cookie|://[^/@"]*:[^/@"]+@';

/**
 * Whether a document may hold a credential outside of an `env` object. It may say yes too often, never no: every
 * document with one that `credentialsOf` finds is among them.
 * @param ours whether an earlier run wrote the headers of documents that start no process
 */
export function mayHoldCredentialsSql(content: string, ours: boolean): string {
  const looked = ours ? `(${content} - 'headers')` : content;
  const other = `${looked}::text ~* ${literal(tellingText)}`;
  return `case when ${content} ? 'command'
    then coalesce(jsonb_typeof(${content} -> 'env') = 'array' or (${content} - 'env')::text ~* ${literal(tellingText)}
      or ${content} ->> 'env' ~ '://[^/@"]*:[^/@"]+@', false)
    else coalesce(${other}, false) end`;
}
