#!/usr/bin/env bash
# golden.md as a comment, one for each pull request: $COMMENTS lists them, $COMMENT/<id> is one.
set -euo pipefail
known=$(gh api --paginate "$COMMENTS" \
  --jq '.[] | select(.body | startswith("<!-- golden dumps -->")) | .id' | head -n 1)
if [ -n "$known" ]; then
  gh api --silent --method PATCH "$COMMENT/$known" -F body=@golden.md
else
  gh api --silent "$COMMENTS" -F body=@golden.md
fi
