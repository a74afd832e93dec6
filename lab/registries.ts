import { UserError } from "@mcp-fleet/errors";

const asked = "https://registry-1.docker.io/v2/";
const answerMillis = 5000;

let answer: Promise<boolean> | undefined;

/**
 * Whether images can be pulled. `LAB_REGISTRIES` says so, `none` or `any`; unset, Docker's registry is asked once. Where
 * none can, the lab makes every image itself, and for that it has to be root on Debian or Ubuntu.
 *
 * @throws UserError when `LAB_REGISTRIES` is something else
 */
export async function imagesCanBePulled(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const said = env.LAB_REGISTRIES ?? "";
  if (!["", "none", "any"].includes(said)) {
    throw new UserError(
      `LAB_REGISTRIES is "${said}", which the lab does not know.`,
      "Set it to none (no image can be pulled here) or to any, or unset it.",
    );
  }
  if (said !== "") return said === "any";
  // The engine may know a way that this process does not, such as a mirror.
  if (process.platform !== "linux" || process.getuid?.() !== 0) return true;
  answer ??= fetch(asked, { signal: AbortSignal.timeout(answerMillis) }).then(
    // Without credentials it refuses, in its own words.
    ({ status }) => status === 200 || status === 401,
    () => false,
  );
  return answer;
}
