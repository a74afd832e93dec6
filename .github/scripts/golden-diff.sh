#!/usr/bin/env bash
# What the golden dumps say that changes between $BASE and the branch: into golden.md and the job's summary.
set -euo pipefail
{
  echo '<!-- golden dumps -->'
  echo '### Declared resources (test/golden)'
  if git diff --quiet "$BASE"...HEAD -- test/golden; then echo 'None changes.'; fi
  echo '```diff'
  # head ends the pipe early where there is more.
  git diff --unified=2 "$BASE"...HEAD -- test/golden | head -c 60000 || true
  echo
  echo '```'
} | tee golden.md >>"$GITHUB_STEP_SUMMARY"
