#!/usr/bin/env bash
# The page of the last cutover of $STACK: cutover-report.html.
set -euo pipefail
npx --no-install mcp-fleet report --stack "$STACK" --file cutover-report.html
