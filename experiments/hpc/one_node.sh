#!/bin/bash
# One node with 4 GPUs, one process that uses all of them (tf.distribute.MirroredStrategy).
#     sbatch experiments/hpc/one_node.sh photon
# GPU runs are untested: no GPU was available.
#SBATCH --job-name=calosim
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=32
#SBATCH --gres=gpu:4
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
experiment=${1:-photon}

srun --cpus-per-task="$SLURM_CPUS_PER_TASK" calosim train "$experiment" --out "runs/$experiment" --resume --strategy mirrored "${@:2}"
code=$?
if [ "$code" -eq 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
