#!/usr/bin/env bash
# Fails unless the environments of pull requests have reviewers: $ENVIRONMENTS is where GitHub's API lists them.
set -euo pipefail
for stack in dev prod; do
  rules=$(gh api "$ENVIRONMENTS/pull-request-$stack" --jq '[.protection_rules[].type]')
  case "$rules" in
    *'"required_reviewers"'*) ;;
    *)
      echo "::error::The environment pull-request-$stack has no required reviewers (docs/workflows.md)."
      exit 1
      ;;
  esac
done
