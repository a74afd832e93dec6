#!/usr/bin/env bash
# Signs the image that was pushed, by the workflow's own identity.
set -euo pipefail
cosign sign --yes "$IMAGE@$DIGEST"
