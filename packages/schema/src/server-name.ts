/** The name of a server's workload, Service and account: configured, or derived from its key. */
export const serverNameOf = (
  key: string,
  { name }: { readonly name?: string | undefined },
): string => name ?? `${key}-mcp`;
