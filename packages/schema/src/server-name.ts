/** The name of a server's workload, Service and account: its own, or one out of its key. */
export const serverNameOf = (
  key: string,
  { name }: { readonly name?: string | undefined },
): string => name ?? `${key}-mcp`;
