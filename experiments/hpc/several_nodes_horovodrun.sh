#!/bin/bash
# Several nodes, one Horovod process per GPU, started by horovodrun over ssh (no MPI needed).
#     sbatch --nodes=4 experiments/hpc/several_nodes_horovodrun.sh photon
# The run folder and the data have to be on a file system that all nodes see.  GPU runs are untested.
#SBATCH --job-name=calosim
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:4
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
experiment=${1:-photon}
run=runs/$experiment
per_node=${SLURM_NTASKS_PER_NODE:?start this with sbatch}
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/\$/:$per_node/" | paste -sd,)

horovodrun --gloo -np "$((SLURM_JOB_NUM_NODES * per_node))" -H "$hosts" \
    calosim train "$experiment" --out "$run" --resume --strategy horovod "${@:2}" &
launcher=$!

# horovodrun ends its ranks at once when it is signalled itself: the signal goes to rank 0, which is on this node and whose
# number is in the lock of the run folder; it tells the others, so that all stop behind the same iteration
stop() {
    kill -USR1 "$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$run/lock.json")"
}
trap stop USR1
code=0
wait "$launcher" || code=$?
# the trap ends the first wait
if kill -0 "$launcher" 2>/dev/null; then
    code=0
    wait "$launcher" || code=$?
fi

# horovodrun ends with 1 whatever its ranks end with: what they ended with is in the run folder
if [ "$code" -ne 0 ] && grep -q '"exit": 75' "$run/status.json"; then
    scontrol requeue "$SLURM_JOB_ID"
    exit 75
fi
exit "$code"
