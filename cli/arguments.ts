import { InvalidArgumentError, Option } from "commander";

/** Parses a whole number. The library checks its bounds. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It has to be a whole number.");
}

/** Parses a whole number above 0. */
export function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("It has to be a whole number above 0.");
}

/** `--timeout`, in seconds. */
export function timeoutOption(seconds: number): Option {
  return new Option("--timeout <seconds>", "how long to wait")
    .argParser(wholeNumber)
    .default(seconds);
}
