#!/usr/bin/env bash
# Runs an image as the chart does: a user ID without an account, a read-only root, no capability. It must get healthy, stream, and end by itself when told to.
# usage: bash deploy/try-image.sh [IMAGE]
set -euo pipefail
cd "$(dirname "$0")"
image=${1:-penstock/gateway}
container=$(docker run --detach --read-only --cap-drop ALL --security-opt no-new-privileges --memory 768m --publish 127.0.0.1::8000 \
  --volume "$PWD/gateway.simulated.json:/etc/penstock/gateway.json:ro" "$image" start --config /etc/penstock/gateway.json --simulate)
trap 'docker logs "$container" >&2; docker rm --force "$container" > /dev/null' EXIT

state() { docker inspect --format "{{.State.$1}}" "$container"; }
for _ in $(seq 60); do
  [ "$(state Health.Status)" = healthy ] && break
  sleep 1
done
echo "health: $(state Health.Status)"
[ "$(state Health.Status)" = healthy ]

user=$(docker inspect --format '{{.Config.User}}' "$container")
echo "user: $user"
[ "$user" = 1000:1000 ]

# The client of the simulated configuration; its key is public.
address=$(docker port "$container" 8000/tcp)
answer=$(curl --silent --show-error --fail --no-buffer "http://$address/anthropic/v1/messages" \
  --header 'content-type: application/json' --header 'x-api-key: pen_public-key-of-the-simulator' \
  --data '{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Say hello"}]}')
grep --quiet 'event: message_stop' <<< "$answer"
echo 'a stream came whole'

docker stop --time 30 "$container" > /dev/null
echo "exit code after SIGTERM: $(state ExitCode)"
[ "$(state ExitCode)" = 0 ]
