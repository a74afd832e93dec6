#!/bin/sh
# Builds the images and says what to put into the stack file. Run it as `make images REGISTRY=<registry>/<path>`.
#   PUSH=1         pushes each one when it is built
#   IMAGES="a b"   builds these only; default: all but those that nobody needs who uses the publisher's image
#   BUILDER=name   docker, podman or buildah; default: the first of them that answers
# Images that others build on come before them. A tag is the version in the Dockerfile's label.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
refuse() {
  say "$1"
  say "$2"
  exit 1
}

version_of() { sed -n 's/^LABEL org.opencontainers.image.version="\(.*\)"$/\1/p' "images/$1/Dockerfile"; }

registry="${REGISTRY:-}"
[ -n "$registry" ] || refuse \
  "REGISTRY is not set, so nobody knows where the images go." \
  "Name it: make images REGISTRY=registry.example.com/mcp-fleet"
case "$registry" in
  *[!A-Za-z0-9._:/-]* | /* | */ | *//*)
    refuse "REGISTRY is \"$registry\", which is no place for an image." \
      "Give it without https:// and without a slash at its end: REGISTRY=registry.example.com/mcp-fleet" ;;
esac

images="${IMAGES:-probe github chroma google-cloud fastmcp mcp-fleet observer}"
for image in $images; do
  [ -f "images/$image/Dockerfile" ] || refuse \
    "IMAGES names $image, and there is no images/$image/Dockerfile." \
    "Name some of these: $(cd images && ls -d */Dockerfile | sed 's,/Dockerfile,,' | tr '\n' ' ')"
done

builder="${BUILDER:-}"
if [ -z "$builder" ]; then
  for one in docker podman buildah; do
    if command -v "$one" >/dev/null 2>&1 && "$one" info >/dev/null 2>&1; then builder="$one"; break; fi
  done
fi
command -v "${builder:-nothing}" >/dev/null 2>&1 || refuse \
  "No program that builds images is on PATH and answers${builder:+: $builder is not there}." \
  "Install docker, podman or buildah, start docker's daemon, or name one with BUILDER."
"$builder" info >/dev/null 2>&1 || refuse \
  "$builder is there and does not answer (\`$builder info\`)." \
  "Start its daemon, or name another program with BUILDER."

for image in $images; do
  reference="$registry/$image:$(version_of "$image")"
  say "- building $reference"
  "$builder" build -f "images/$image/Dockerfile" -t "$reference" . >&2
  [ "${PUSH:-}" != 1 ] || "$builder" push "$reference" >&2
done

[ "${PUSH:-}" = 1 ] || say "Nothing was pushed; add PUSH=1 once $builder is logged in to $registry."
say "For the stack file:"
for image in $images; do
  reference="$registry/$image:$(version_of "$image")"
  case "$image" in
    probe) key=probe.image ;;
    observer) key=observability.observer.image ;;
    mcp-fleet) key=manager.image ;;
    fastmcp) say "# $reference is the image of servers with source: code"; continue ;;
    mesh-agent) say "# $reference is the base of agents"; continue ;;
    *) key="servers.$image.image" ;;
  esac
  printf 'pulumi config set --path %s %s\n' "$key" "$reference"
done
