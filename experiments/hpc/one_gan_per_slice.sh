#!/bin/bash
# One GAN per particle and eta slice, as FastCaloGAN has 3 x 100 of them: an array job, each task a run of its own.
#     sbatch --export=ALL,DATA=/data/atlas experiments/hpc/one_gan_per_slice.sh
# DATA holds one file per particle and slice, NAME_eta_LOW_HIGH.hdf5 with LOW and HIGH in hundredths.  The 300 files are
# not public (CaloChallenge data set 1 is the slice 0.20 < eta < 0.25), and a slice has its own voxels: its layout must be
# one that `calosim data check` knows.  Untested beyond the first slice.
#SBATCH --job-name=calosim-slices
#SBATCH --array=0-299%50
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --gres=gpu:1
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
particles=(photon electron pion)
experiments=(fastcalogan_v2_photon fastcalogan_v2_photon fastcalogan_v2_pion)

index=${SLURM_ARRAY_TASK_ID:?start this with sbatch}
particle=${particles[index / 100]}
experiment=${experiments[index / 100]}
low=$((index % 100 * 5))
slice=${particle}_eta_${low}_$((low + 5))

srun --cpus-per-task="$SLURM_CPUS_PER_TASK" calosim train "$experiment" --data "${DATA:?folder with the files of the slices}/$slice.hdf5" \
    --out "runs/slices/$slice" --seed "$index" --resume "$@"
code=$?
if [ "$code" -eq 75 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
