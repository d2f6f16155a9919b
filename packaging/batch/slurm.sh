#!/bin/bash
# A Slurm job array over the files of vos:USER/run7/raw: sbatch slurm.sh
#SBATCH --job-name=vofs-array
#SBATCH --array=0-99%20
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --tmp=20G
#SBATCH --time=01:00:00
# The mount has two minutes to upload what is left when the time is over.
#SBATCH --signal=B:TERM@120
set -eu
# Where slurm.sh and its companions lie; Slurm runs a copy of this file from elsewhere.
here=${VOFS_EXAMPLES:-$SLURM_SUBMIT_DIR}
export VOFS_SCRATCH=${SLURM_TMPDIR:-${TMPDIR:-/tmp}}
export VOFS_OPTIONS="--cache_limit 18GiB --drain-timeout 100"
# exec: the signal goes to this process.
exec "$here/with-space.sh" "${VOFS_SPACE:-vos:USER/run7}" "$here/reduce.sh" "$SLURM_ARRAY_TASK_ID"
