#!/bin/sh
# The lab on kind from start to end, each command with its time: up, status, rollback, down; then what is left of it. Starts
# a dockerd of its own where no container engine answers (Debian: apt-get install docker.io), and ends it. Not part of the
# tests, which have one cluster for all.
set -eu
cd "$(dirname "$0")/../.."
export LAB_ENGINE=kind

if ip link show mcp-fleet0 >/dev/null 2>&1; then
  echo "A bare lab runs on this machine. Stop it first: make down" >&2
  exit 1
fi

work=$(mktemp -d)
forward=$(cat /proc/sys/net/ipv4/ip_forward)
rules() { nft list tables | grep -v docker || true; }
before=$(rules)

finish() {
  [ ! -f "$work/pid" ] && return
  kill "$(cat "$work/pid")"
  while [ -e "$work/pid" ]; do sleep 0.2; done
  # What dockerd leaves when it ends.
  ip link delete docker0 2>/dev/null || true
  rules | while read -r _ family table; do
    echo "$before" | grep -qx "table $family $table" || nft delete table "$family" "$table"
  done
  echo "$forward" >/proc/sys/net/ipv4/ip_forward
  rm -rf "$work" "$data"
}

# A machine may give CAP_SYS_RESOURCE to nobody, and kind's nodes ask for everything.
lacking_runc() {
  cat >"$work/runc" <<'RUNC'
#!/bin/sh
previous=
for word; do
  case $previous in
    --bundle) sed -i 's/"CAP_SYS_RESOURCE",//g' "$word/config.json" ;;
    --process) sed -i 's/"CAP_SYS_RESOURCE",//g' "$word" ;;
  esac
  previous=$word
done
exec runc "$@"
RUNC
  chmod 755 "$work/runc"
  echo "--add-runtime lacking=$work/runc --default-runtime lacking"
}

if ! docker info >/dev/null 2>&1; then
  data=${MCP_FLEET_CACHE:-$HOME/.cache/mcp-fleet}/docker-check
  export DOCKER_HOST="unix://$work/docker.sock"
  # Where the machine does not forward yet, dockerd forbids it to all but its own.
  echo 1 >/proc/sys/net/ipv4/ip_forward
  bounds=$(sed -n 's/^CapBnd:[[:space:]]*/0x/p' /proc/self/status)
  runtime=
  [ $((bounds >> 24 & 1)) -eq 1 ] || runtime=$(lacking_runc)
  trap finish EXIT
  # shellcheck disable=SC2086 # several words, or none
  dockerd $runtime --host "$DOCKER_HOST" --data-root "$data" --exec-root "$work/exec" --pidfile "$work/pid" >"$work/log" 2>&1 &
  until docker info >/dev/null 2>&1; do sleep 0.5; done
fi

objects() {
  docker ps --all --quiet
  docker volume ls --quiet
  docker network ls --format '{{.Name}}'
}
objects >"$work/objects"

timed() {
  started=$(date +%s)
  make "$1"
  echo "make $1: $(($(date +%s) - started)) s" | tee -a "$work/times" >&2
}
for command in up status rollback down; do timed "$command"; done

cat "$work/times"
objects | diff "$work/objects" - && echo "no container, volume or network is left"
