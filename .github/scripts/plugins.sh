#!/usr/bin/env bash
# Pulumi's plugins in the versions of package-lock.json.
set -euo pipefail
for name in kubernetes random postgresql; do
  pulumi plugin install resource "$name" "$(node -p "require('@pulumi/$name/package.json').version")"
done
