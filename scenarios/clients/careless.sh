#!/bin/sh
# Rents a machine, waits for it, destroys it. When a create's reply is lost it asks for another, and the first is left behind.
set -eu
api() { # METHOD PATH [BODY]; the key goes through a pipe, so that no list of processes shows it
    printf 'header = "Authorization: Bearer %s"\n' "$VAST_API_KEY" |
        curl -sS --max-time 3 -K - -X "$1" "$VAST_URL$2" ${3:+-d "$3"}
}
first() { # KEY: its first value in the JSON on standard input
    grep -o "\"$1\": *[^,}]*" | head -n 1 | sed 's/.*: *//; s/"//g'
}
machine=
while [ -z "$machine" ]; do
    offer=$(api POST /api/v0/bundles/ '{"limit": 1}' | first id)
    machine=$(api PUT "/api/v0/asks/$offer/" '{"client_id": "me", "image": "ubuntu:22.04", "disk": 20}' | first new_contract)
done
until [ "$(api GET "/api/v0/instances/$machine/" | first actual_status)" = running ]; do sleep 1; done
echo "machine $machine does its work"
api DELETE "/api/v0/instances/$machine/" >/dev/null
