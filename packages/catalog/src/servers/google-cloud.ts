import type { CatalogEntry } from "@mcp-fleet/schema";

/** Supports stdio only and runs `gcloud` for each call. Credentials: workload identity, or a key file. */
export const googleCloud: CatalogEntry = {
  server: {
    name: "llmctl-mcp-google-cloud",
    source: "bridge",
    stdio: "gcloud-mcp",
    port: 8000,
    env: {
      HOME: "/tmp",
      CLOUDSDK_CONFIG: "/tmp/gcloud",
      CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
    },
    egress: "internet",
    requiredTools: ["run_gcloud_command"],
    resources: {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { cpu: "1", memory: "1Gi" },
    },
  },
  credentials: ["CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", "GOOGLE_APPLICATION_CREDENTIALS"],
  credentialSets: [],
  traces: { programs: ["gcloud-mcp"], npm: ["@google-cloud/gcloud-mcp"] },
};
