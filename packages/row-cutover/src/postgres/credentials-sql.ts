import { secretName } from "../decide/credentials";
import { literal } from "./identifiers";

/** The same in SQL. */
export function looksSecretSql(name: string): string {
  return `${name} ~* ${literal(secretName)}`;
}

const tellingText =
  'token|secret|passw|passphrase|api[-_]?key|private[-_]?key|access[-_]?key|credential|(^|[^a-z0-9])(pat|pwd|auth|key)|authorization|cookie|://[^/@"]*:[^/@"]+@';

/**
 * Whether a document may have one outside of an `env` object, in SQL: rather too often than not.
 * @param ours whether a run before wrote the headers of documents that start no process
 */
export function mayHoldCredentialsSql(content: string, ours: boolean): string {
  const looked = ours ? `(${content} - 'headers')` : content;
  const other = `${looked}::text ~* ${literal(tellingText)}`;
  return `case when ${content} ? 'command'
    then coalesce(jsonb_typeof(${content} -> 'env') = 'array' or (${content} - 'env')::text ~* ${literal(tellingText)}
      or ${content} ->> 'env' ~ '://[^/@"]*:[^/@"]+@', false)
    else coalesce(${other}, false) end`;
}
