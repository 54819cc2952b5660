#!/bin/sh
# Trains a bundle on this machine; the same call again goes on where it was ended.
#
#   BUNDLE=bundle.tar.zst WORK=/workspace/train sh train.sh
#
# BUNDLE   a file of this machine, or an address that curl can fetch
# WORK     a folder on a disk that outlives the machine's restarts (default: ./train)
# SEEDBED  what pip installs (default: seedbed[train]; a wheel or a git address with [train] as well)
# PYTHON   3.11 to 3.13 (default: python3)
#
# Exit codes are seedbed's: 0 done, 75 preempted after saving (start it again), 2 a mistake in the
# call, 3 the training failed.
set -eu

: "${BUNDLE:?set BUNDLE to the file that \`seedbed bundle\` made}"
WORK=${WORK:-train}
SEEDBED=${SEEDBED:-seedbed[train]}
PYTHON=${PYTHON:-python3}
mkdir -p "$WORK"

# Fetched under another name, so that half a file is never taken for a whole one.
case $BUNDLE in
*://*)
  file=$WORK/$(basename "$BUNDLE")
  if [ ! -f "$file" ]; then
    curl --fail --location --retry 5 --output "$file.part" "$BUNDLE"
    mv "$file.part" "$file"
  fi
  ;;
*) file=$BUNDLE ;;
esac

# The stamp is written last: an install that was ended is done again. SEEDBED_COMMAND skips it.
command=${SEEDBED_COMMAND:-$WORK/venv/bin/seedbed}
if [ -z "${SEEDBED_COMMAND:-}" ] && [ ! -f "$WORK/venv/.installed" ]; then
  "$PYTHON" -m venv "$WORK/venv"
  "$WORK/venv/bin/pip" install --quiet "$SEEDBED" ${PIP_ARGS:-}
  touch "$WORK/venv/.installed"
fi

# exec: SIGTERM reaches the training itself, which saves and ends with 75.
exec "$command" unbundle "$file" -o "$WORK/bundle" --run
