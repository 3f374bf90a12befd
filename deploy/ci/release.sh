#!/bin/sh
# From a change in Git to a canary: what CI runs on the main branch. Usage: release.sh BOOK REASON
#
# EDGEWISE_STORE  the store; its credentials come from the environment, too
# RELEASE_KEYS    folder with a key of `release`, those of `snapshot` and `timestamp`, and root.json
# ROLLOUT_KEYS    the same with a key of `rollout`
#
# Exits with 0 when the book is on its way, or is stable already; with 1 when it has mistakes, and with 2 when something
# was refused: what had been published by then stays in the store, and no node runs it. Exits with 3 when others must
# sign for the release first: run it again, on the same change, once they have. All of it may be repeated.
# `edgewise rollout watch` takes it from here.
set -eu
book=$1
reason=$2

# The field $1 of the JSON object on standard input, of that itself and not of what is within; empty where it is null.
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]] or "")' "$1"; }

edgewise check "$book"
published=$(edgewise publish "$book" --keys "$RELEASE_KEYS" --note "$reason" --json)
digest=$(printf %s "$published" | field digest)
waits=$(printf %s "$published" | field waits)
if [ -n "$waits" ]; then
    echo "$digest waits for others to sign: edgewise publish --sign $digest; then run this again" >&2
    exit 3
fi
now=$(edgewise rollout status --root "$RELEASE_KEYS/root.json" --json)
stable=$(printf %s "$now" | field stable)
candidate=$(printf %s "$now" | field candidate)
if [ "$digest" = "$stable" ] || [ "$digest" = "$candidate" ]; then
    echo "$digest runs already, or is on its way"
    exit 0
fi
if [ -n "$stable" ]; then
    edgewise bundle diff "$stable" "$digest" --root "$RELEASE_KEYS/root.json"
fi
edgewise rollout start "$digest" --keys "$ROLLOUT_KEYS" --reason "$reason"
