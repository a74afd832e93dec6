import { isIPv4, isIPv6 } from "node:net";

/** An address range: its family, its first address as a number, and its prefix length. */
interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly prefix: number;
}

/**
 * Whether `outer` contains every address of `inner`.
 * @throws Error for a text that is not CIDR notation
 */
export function cidrContains(outer: string, inner: string): boolean {
  const [a, b] = [parse(outer), parse(inner)];
  if (a.bits !== b.bits || a.prefix > b.prefix) return false;
  return b.first >> BigInt(a.bits - a.prefix) === a.first >> BigInt(a.bits - a.prefix);
}

/** Whether two ranges overlap. One of them then contains the other. */
export function cidrsOverlap(a: string, b: string): boolean {
  return cidrContains(a, b) || cidrContains(b, a);
}

/** Whether `text` is a range in CIDR notation. */
export function isCidr(text: string): boolean {
  const [address = "", prefix = "", ...rest] = text.split("/");
  if (rest.length > 0 || !/^[0-9]{1,3}$/.test(prefix)) return false;
  if (isIPv4(address)) return Number(prefix) <= 32;
  return isIPv6(address) && !address.includes("%") && Number(prefix) <= 128;
}

function parse(text: string): Range {
  if (!isCidr(text)) throw new Error(`${JSON.stringify(text)} is no range in CIDR notation`);
  const [address = "", prefix] = text.split("/");
  const number = isIPv4(address) ? fromV4(address) : fromV6(address);
  const bits = isIPv4(address) ? 32 : 128;
  const host = BigInt(bits - Number(prefix));
  return { bits, first: (number >> host) << host, prefix: Number(prefix) };
}

function fromV4(address: string): bigint {
  return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(Number(part)), 0n);
}

function fromV6(address: string): bigint {
  const v4 = /[0-9.]+\.[0-9]+$/.exec(address)?.[0];
  const text =
    v4 === undefined
      ? address
      : address.slice(0, -v4.length) +
        [fromV4(v4) >> 16n, fromV4(v4) & 0xffffn].map((part) => part.toString(16)).join(":");
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce(
    (sum, part) => (sum << 16n) | BigInt(`0x${part}`),
    0n,
  );
}
