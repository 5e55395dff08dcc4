#!/bin/bash
# Several nodes, one process per GPU, started by srun.  The strategy is multiworker (ranks and addresses from SLURM), or
# horovod with a build that has MPI (STRATEGY=horovod; srun needs --mpi=pmix then, or what the site has).
#     sbatch --nodes=4 experiments/hpc/several_nodes_srun.sh photon
# The run folder and the data have to be on a file system that all nodes see.  GPU runs are untested.
#SBATCH --job-name=calosim
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:4
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
experiment=${1:-photon}
strategy=${STRATEGY:-multiworker}
mpi=()
if [ "$strategy" = horovod ]; then
    mpi=(--mpi="${SRUN_MPI:-pmix}")
fi

# A stopped rank ends with 75 too, which --kill-on-bad-exit would take for a failure while rank 0 is still saving.  Those
# that are left by a dead rank end by themselves, or after this time.
srun "${mpi[@]}" --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 --wait=300 \
    calosim train "$experiment" --out "runs/$experiment" --resume --strategy "$strategy" "${@:2}"
code=$?
if [ "$code" -eq 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
