#!/bin/bash
# One GPU.  When the time limit comes near, SLURM sends USR1, calosim saves and ends with 75, and the job queues itself
# again.
#     sbatch experiments/hpc/one_gpu.sh photon
# GPU runs are untested: no GPU was available.
#SBATCH --job-name=calosim
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:1
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
experiment=${1:-photon}

srun --cpus-per-task="$SLURM_CPUS_PER_TASK" calosim train "$experiment" --out "runs/$experiment" --resume "${@:2}"
code=$?
if [ "$code" -eq 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
