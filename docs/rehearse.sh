#!/usr/bin/env bash
# A newcomer's first hour, in a temporary folder: fresh clone, no environment, both commands of the README, the tutorials.
# ITERATIONS=N shortens the training, ARGS='tests/geometry' the tests.  Prints how long each step took.
set -euo pipefail
source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
iterations=${ITERATIONS:-} tests=${ARGS:-}
# what is installed or set here must not help, nor go to every make below
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME CALOSIM_DATA ITERATIONS ARGS MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
export CALOSIM_DATA="$folder/data"
times=()

step() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name: $*"
    "$@"
    times+=("$(printf '%6d s  %s' $((SECONDS - start)) "$name")")
}

step "clone" git clone --quiet "$source_folder" "$folder/calosim_tf"
cd "$folder/calosim_tf"
step "install" make install PYTHON="$PYTHON"
step "make train-photon" make train-photon PYTHON="$PYTHON" ITERATIONS="$iterations"
step "make test" make test PYTHON="$PYTHON" ARGS="$tests"
step "calosim generate pretrained:photon" .venv/bin/calosim generate pretrained:photon \
    --energies 1024 65536 --events 1000 --out showers.hdf5
for page in docs/tutorials/*.md docs/extending.md; do
    step "$page" .venv/bin/python docs/run_pages.py "$page"
done
echo "== times on $(nproc) cores"
printf '%s\n' "${times[@]}"
