#!/bin/bash
# sbatch --export=ALL,BUNDLE=$PWD/bundle.tar.zst,WORK=$PWD/train jobs/slurm.sh
#
# Before the time limit Slurm sends SIGTERM; the training saves, ends with 75, and the job is put
# into the queue again under its own number.
#SBATCH --job-name=seedbed-train
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=train-%j.log

# Slurm runs a copy of this script: the folder it lies in is the one it was sent from.
jobs=${JOBS:-${SLURM_SUBMIT_DIR:-.}/jobs}
sh "$jobs/train.sh" &
child=$!
trap 'kill -TERM $child' TERM
wait $child; code=$?
# A signal ends the first wait before the training is done with saving.
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
if [ $code -eq 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit $code
