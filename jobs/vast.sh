#!/bin/sh
# On a Vast.ai instance: rent one (interruptible is cheapest), copy jobs/ and the bundle to it, and
# put this line into its on-start script, which runs whenever the instance is started or resumed:
#
#   BUNDLE=/root/bundle.tar.zst nohup sh /root/jobs/vast.sh > /root/train.log 2>&1 &
#
# The instance's disk stays when it is outbid and paused, and goes when it is destroyed: fetch the
# result first (vastai copy), or let checkpoints be copied to a bucket by train's copy_to.
export WORK=${WORK:-/root/train}
exec sh "$(dirname "$0")/again.sh"
