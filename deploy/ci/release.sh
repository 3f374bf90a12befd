#!/bin/sh
# From a change in Git to a canary: what CI runs on the main branch. Usage: release.sh BOOK REASON
#
# EDGEWISE_STORE  the store; its credentials come from the environment, too
# RELEASE_KEYS    folder with a key of `release`, those of `snapshot` and `timestamp`, and root.json
# ROLLOUT_KEYS    the same with a key of `rollout`
#
# Exits with 1 when the book has mistakes, with 2 when nothing could be done; then the store is as it was. A book that runs
# already, or is on its way, is nothing new: exit 0. `edgewise rollout watch` takes it from here.
set -eu
book=$1
reason=$2

edgewise check "$book"
digest=$(edgewise publish "$book" --keys "$RELEASE_KEYS" --note "$reason")
now=$(edgewise rollout status --root "$RELEASE_KEYS/root.json" --json)
case $now in
    *"\"stable\":\"$digest\""* | *"\"candidate\":\"$digest\""*) echo "$digest runs already"; exit 0 ;;
    *'"stable":"sha256:'*) edgewise bundle diff stable "$digest" --root "$RELEASE_KEYS/root.json" ;;
esac
edgewise rollout start "$digest" --keys "$ROLLOUT_KEYS" --reason "$reason"
