#!/bin/sh
# Rents a machine, waits for it, destroys it. It labels what it asks for, looks the label up when a reply is lost, and reads back.
set -eu
api() { # METHOD PATH [BODY]; the key goes through a pipe, so that no list of processes shows it
    printf 'header = "Authorization: Bearer %s"\n' "$VAST_API_KEY" |
        curl -sS -g --max-time 3 -K - -X "$1" "$VAST_URL$2" ${3:+-d "$3"}
}
first() { grep -o "\"$1\": *[^,}]*" | head -n 1 | sed 's/.*: *//; s/"//g'; } # KEY: its first value in the JSON on standard input
label="nightly-$(date +%s)-$$"
offer=$(api POST /api/v0/bundles/ '{"limit": 1}' | first id)
machine=$(api PUT "/api/v0/asks/$offer/" "{\"image\": \"ubuntu:22.04\", \"disk\": 20, \"label\": \"$label\"}" | first new_contract)
for pause in 0 1 2 4 8; do # without an answer it may exist all the same: only its label tells
    [ -n "$machine" ] || sleep "$pause"
    [ -n "$machine" ] || machine=$(api GET "/api/v1/instances/?select_filters={%22label%22:{%22eq%22:%22$label%22}}" | first id)
done
until [ "$(api GET "/api/v0/instances/${machine:?was not to be had}/" | first actual_status)" = running ]; do sleep 2; done
echo "machine $machine does its work"
until sleep 2 && api GET "/api/v0/instances/$machine/" | grep -q '"instances": *null'; do
    api DELETE "/api/v0/instances/$machine/" >/dev/null || true # again, until its absence was read
done
