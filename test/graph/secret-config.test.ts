import { type BadConfig, refusesEach, withExtra } from "../support/refusal";
import { fullStack } from "../support/resources";

describe("bad configuration of a server's Secret", () => {
  const scope = { project: "ai-platform", environment: "prod" };
  const cases: BadConfig[] = [
    {
      what: "a store from which nothing is taken",
      plain: withExtra({ secret: { external: { store: "vault" } } }),
      names: /\[servers\.extra\.secret\.external\] must name what to take: from .* or keys/,
      fix: /Write servers\.extra\.secret\.external in/,
    },
    {
      what: "a Secret without a store",
      plain: withExtra({ secret: { external: { from: "mcp" } } }),
      names: /\[servers\.extra\.secret\.external\.store\] is missing/,
      fix: /--path servers\.extra\.secret\.external\.store/,
    },
    {
      what: "Infisical without an identity",
      plain: withExtra({ secret: { infisical: scope } }),
      names: /\[servers\.extra\.secret\.infisical\.auth\]/,
      fix: /Write servers\.extra\.secret\.infisical\.auth in/,
    },
    {
      what: "a path that is none",
      plain: withExtra({
        secret: { infisical: { ...scope, path: "mcp", auth: { credentialsSecret: "auth" } } },
      }),
      names: /\[servers\.extra\.secret\.infisical\.path\] must start with a slash/,
      fix: /--path servers\.extra\.secret\.infisical\.path/,
    },
    {
      what: "an existing Secret and values from the stack",
      plain: withExtra({ secret: "extra-token" }),
      secret: {
        serverSecrets: { ...(fullStack.secret?.serverSecrets as object), extra: { TOKEN: "x" } },
      },
      names: /\[servers\.extra\.secret\] and serverSecrets\.extra are both set/,
      fix: /Keep one of them/,
    },
    {
      what: "a version of a Secret that there is none of",
      plain: withExtra({ secretVersion: 3 }),
      names: /\[servers\.extra\.secretVersion\] has no effect/,
      fix: /name a Secret with secret/,
    },
  ];
  refusesEach(cases);
});
