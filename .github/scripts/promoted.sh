#!/usr/bin/env bash
# What prod would get of dev, into the job's summary; fails where dev is not proved.
set -euo pipefail
echo '```' >>"$GITHUB_STEP_SUMMARY"
npx --no-install mcp-fleet promote --from "$ORGANIZATION/dev" --to "$ORGANIZATION/prod" 2>&1 |
  tee --append "$GITHUB_STEP_SUMMARY"
echo '```' >>"$GITHUB_STEP_SUMMARY"
