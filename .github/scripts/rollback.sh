#!/usr/bin/env bash
# Rolls $STACK back as the workflow was asked to: TO, ON_CONFLICT, KEEP_PROGRAM, REASON, ACTOR.
set -euo pipefail
options=(--yes --message "rollback by $ACTOR - $REASON")
if [ -n "$TO" ]; then options+=(--to "$TO"); fi
case "$ON_CONFLICT" in fail | keep | force) options+=(--on-conflict "$ON_CONFLICT") ;; esac
if [ "$KEEP_PROGRAM" = true ]; then options+=(--keep-program); fi
npx --no-install mcp-fleet rollback --stack "$STACK" "${options[@]}"
echo "Commit the configuration of that update to Pulumi.${STACK##*/}.yaml, or the next update goes forward again." \
  >>"$GITHUB_STEP_SUMMARY"
