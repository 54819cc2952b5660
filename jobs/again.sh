#!/bin/sh
# Runs train.sh until it is done: again after preemption (75), and a few times after other ends.
#
#   BUNDLE=... sh again.sh
set -u
here=$(dirname "$0")
tries=0
while :; do
  sh "$here/train.sh" &
  child=$!
  # What ends this script ends the training, which saves; then it is not begun again.
  trap 'ended=1; kill -TERM $child 2>/dev/null' TERM INT
  ended=
  wait $child; code=$?
  [ -n "$ended" ] && { wait $child; code=$?; }
  case $code in
  0 | 2) exit $code ;;
  75) [ -n "$ended" ] && exit 75 ;;
  *)
    [ -n "$ended" ] && exit $code
    tries=$((tries + 1))
    [ $tries -ge "${TRIES:-3}" ] && exit $code
    ;;
  esac
  sleep "${PAUSE:-10}"
done
