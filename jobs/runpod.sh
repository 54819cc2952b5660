#!/bin/sh
# On a RunPod pod: make one with a network volume (it is mounted at /workspace and outlives the pod)
# and a PyTorch image; copy jobs/ and the bundle to the volume (runpodctl send, scp), then:
#
#   BUNDLE=/workspace/bundle.tar.zst nohup sh /workspace/jobs/runpod.sh > /workspace/train.log 2>&1 &
#
# A spot pod gets SIGTERM and seconds later SIGKILL: what counts is the last checkpoint on the volume.
# As the pod's start command it goes on by itself when the pod is started again. With STOP=1 the pod
# stops when the training is done, and costs its volume alone (runpodctl is in RunPod's images).
export WORK=${WORK:-/workspace/train}
sh "$(dirname "$0")/again.sh"
code=$?
if [ "${STOP:-}" = 1 ] && [ -n "${RUNPOD_POD_ID:-}" ]; then runpodctl stop pod "$RUNPOD_POD_ID"; fi
exit $code
