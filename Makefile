# Every target that needs Python packages makes .venv first: nothing has to be installed by hand.

VENV := .venv
BIN := $(VENV)/bin
# Python 3.11 (the set with tensorflow-addons and Horovod) where it is, else a newer one that the package runs on.
PYTHON ?= $(shell for name in python3.11 python3.13 python3.12 python3 python; do \
    "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && \
    { echo "$$name"; break; }; done)
version = $(shell "$(1)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

DATA ?=
ITERATIONS ?=
PAPER ?=
ARGS ?=
ifneq ($(filter-out 0 1,$(PAPER)),)
$(error PAPER=$(PAPER): use PAPER=1 for the settings of the paper, or leave it out)
endif
# Experiment of a target: the settings of the paper, or a schedule for two cores.
experiment = $(if $(filter 1,$(PAPER)),$(1),$(2))
OUT ?=
# Test processes side by side: one per core of the machine that the suite is measured on, and small in memory
JOBS ?= 2
# Handed over by the environment, so that the shell sees names with spaces or dollar signs as they are.
export DATA OUT
# Packages set up for another program (a ROOT or LCG release) must not shadow those of .venv.
unexport PYTHONPATH PYTHONHOME
# Containers often forbid to keep compiled modules: hundreds of commands in the tests would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Written last, so a killed install leaves none and is begun anew; they hold the folder that the install points to.
READY := $(VENV)/.installed
DEV_READY := $(VENV)/.installed-dev
# The exact versions, one file per set of packages.  The shell chooses, not make: make expands a whole recipe before its
# first line runs, and by then there is no environment whose Python could be asked.
CONSTRAINTS = $$($(BIN)/python -c 'import sys; print("constraints.txt" if sys.version_info < (3, 12) else "constraints-keras3.txt")')
PIP_INSTALL = $(BIN)/python -m pip install -qq -c "$(CONSTRAINTS)" --no-build-isolation

# An environment whose clone was moved or copied, or whose Python is gone, is as good as none.
ifneq ("$(shell test -x $(BIN)/python && cat $(READY) 2>/dev/null)","$(CURDIR)")
.PHONY: $(READY)
endif
# So is one of another Python than the one asked for.
ifneq ($(origin PYTHON),file)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
.PHONY: $(READY)
endif
endif

.PHONY: help
help:  ## print this list
	@echo "Targets:"
	@sed -n 's/^\([a-z0-9-]*\):.*## /    \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo "Variables of the train targets:"
	@echo "    DATA=FILE [...]  train on these HDF5 files instead of the bundled sample (several: DATA=\"a.hdf5 b.hdf5\")"
	@echo "    PAPER=1          the settings of the paper instead of a quick look"
	@echo "    ITERATIONS=N     number of iterations"
	@echo "    OUT=DIR          run folder (default runs/EXPERIMENT); a run that is there already is resumed"
	@echo "Other variables:"
	@echo "    ARGS='...'       more options for calosim (train-photon, bench) or pytest (test, test-quick)"
	@echo "    JOBS=N           test processes side by side (test, test-quick; default 2, 0 for none)"
	@echo "    PYTHON=FILE      Python 3.11, 3.12 or 3.13 to make .venv with (found by itself: 3.11 first)"

# $(1): experiment
define train
	@set --; \
	if [ -e "$$DATA" ]; then set -- --data "$$DATA"; elif [ -n "$$DATA" ]; then set -- --data $$DATA; fi; \
	exec $(BIN)/calosim train $(1) --out "$${OUT:-runs/$(1)}" --resume \
	    $(if $(ITERATIONS),--iterations "$(ITERATIONS)") "$$@" $(ARGS)
endef

.PHONY: train-photon train-lhcb train-calogan train-3dgan
train-photon: $(READY)  ## train our photon generator and write a report (installs what it needs)
	$(call train,$(call experiment,photon,photon_factorised))

train-lhcb: $(READY)  ## train the LHCb self-attention GAN
	$(call train,$(call experiment,lhcb_sagan_sn_gd,lhcb_sagan_sn_gd_smoke))

train-calogan: $(READY)  ## train the Conditional CaloGAN
	$(call train,$(call experiment,conditional_calogan_eplus,conditional_calogan_eplus_smoke))

train-3dgan: $(READY)  ## train 3DGAN with two-dimensional convolutions
	$(call train,$(call experiment,conv2d_g1,conv2d_g1_smoke))

# Needs the extras onnx and tflite, which come with the tools.
.PHONY: bench
bench: $(DEV_READY)  ## time the photon GAN: training steps, generation on all back ends (table; JSON, chart in runs/bench)
	@mkdir -p runs/bench
	$(BIN)/calosim bench train photon $(ARGS)
	$(BIN)/calosim bench generate photon --out runs/bench/generate.json --plot runs/bench/generate.png $(ARGS)

.PHONY: test
test: $(DEV_READY)  ## run the tests, but for those of test-long, test-faults, smoke-horovod and smoke-slurm
	$(BIN)/pytest -q -m "not long" -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: test-long
test-long: $(DEV_READY)  ## run the tests that repeat whole trainings: resume, replicas, each family from the command line
	$(BIN)/pytest -q -m long -n $(JOBS) --dist loadfile $(ARGS)

# A test that takes longer than this should carry the marker `slow`
QUICK_TIMEOUT := 30

.PHONY: test-quick
test-quick: $(DEV_READY)  ## run the tests that need no training, no export and no long command (about a minute and a half)
	$(BIN)/pytest -q -m "not slow" --timeout $(QUICK_TIMEOUT) -n $(JOBS) --dist loadfile $(ARGS)

# What the two sets of packages could differ in: see keras_compat.py.  Everything else is tested once.
KERAS_3_TESTS := tests/training/test_own_models.py tests/training/test_calogan_step.py tests/training/test_score_gan.py \
    tests/training/test_three_d_gan_step.py tests/training/test_factorised.py tests/training/strategies/test_shares.py \
    tests/training/replicas/test_strategies.py tests/training/test_precision.py tests/export/test_parity.py \
    tests/training/test_wgan_gp_step.py \
    tests/training/test_caloflow.py::test_a_perfect_student_makes_the_showers_of_its_teacher \
    tests/training/test_caloflow.py::test_nothing_is_left_to_learn_for_a_perfect_student \
    tests/benchmark/test_accelerator.py::test_what_cannot_be_run_is_said

.PHONY: test-keras3
test-keras3: $(DEV_READY)  ## run the quick tests and those of steps, resume, replicas and exports (for Python 3.12 and 3.13)
	$(BIN)/pytest -q -m "not slow" --timeout $(QUICK_TIMEOUT) -n $(JOBS) --dist loadfile $(ARGS)
	$(BIN)/pytest -q -m slow -n $(JOBS) --dist loadfile $(KERAS_3_TESTS) $(ARGS)

# Horovod is built from source against the installed TensorFlow (about 6 minutes on two cores); the wheel is kept in the
# user's cache folder, apart for each version of both and each kind of build, so that the next call takes seconds.
HOROVOD_VERSION := 0.28.1
GPU ?=
MPI ?=
horovod_kind := gloo$(if $(filter 1,$(MPI)),-mpi)$(if $(filter 1,$(GPU)),-nccl)
horovod_wheels = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/calosim/wheels/horovod-$(HOROVOD_VERSION)-$(horovod_kind)-$(1)
HOROVOD_BUILD := HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 HOROVOD_WITH_GLOO=1 \
    $(if $(filter 1,$(MPI)),HOROVOD_WITH_MPI=1,HOROVOD_WITHOUT_MPI=1) \
    $(if $(filter 1,$(GPU)),HOROVOD_GPU_OPERATIONS=NCCL)

.PHONY: install-horovod
install-horovod: $(READY)  ## build Horovod (once, about 6 minutes) and install it; MPI=1, GPU=1 (NCCL, untested)
	@set -e; \
	kind=$$($(BIN)/python -c 'import sys; from importlib.metadata import version; \
	    print("tf%s-cp%d%d" % (version("tensorflow"), *sys.version_info[:2]))'); \
	wheels="$(call horovod_wheels,$$kind)"; \
	if ! ls "$$wheels"/horovod-*.whl >/dev/null 2>&1; then \
	    for tool in cmake g++ $(if $(filter 1,$(MPI)),mpirun); do \
	        command -v $$tool >/dev/null || { echo "make install-horovod: $$tool is not installed" >&2; exit 1; }; \
	    done; \
	    echo "Building Horovod $(HOROVOD_VERSION) ($(horovod_kind)) into $$wheels (once, about 6 minutes) ..."; \
	    mkdir -p "$${wheels%/*}"; \
	    partial=$$(mktemp -d "$$wheels.partial-XXXXXX"); trap 'rm -rf "$$partial"' EXIT; \
	    $(HOROVOD_BUILD) $(BIN)/python -m pip wheel -qq --no-deps --no-cache-dir --no-build-isolation \
	        -w "$$partial" horovod==$(HOROVOD_VERSION); \
	    rm -rf "$$wheels"; mv -T "$$partial" "$$wheels"; \
	fi; \
	$(PIP_INSTALL) --force-reinstall --no-deps "$$wheels"/horovod-*.whl; \
	$(PIP_INSTALL) -e '.[horovod]'
	@$(BIN)/horovodrun --version

.PHONY: smoke-horovod
smoke-horovod: $(DEV_READY)  ## train with two Horovod processes and compare with one (after install-horovod)
	CALOSIM_TEST_HOROVOD=1 $(BIN)/pytest -q -p no:xdist tests/training/replicas/test_horovod.py $(ARGS)

.PHONY: test-faults
test-faults: $(DEV_READY)  ## kill, damage, fill the disk, feed nonsense: prove that nothing is lost
	$(BIN)/pytest -q --timeout 1200 -n $(JOBS) --dist loadfile tests/faults $(ARGS)

# Only as root, and only where none is there.  No service is started: the tests start their own.
.PHONY: install-slurm
install-slurm:  ## install Debian's SLURM and MUNGE, which the tests of the scripts for clusters run on (as root)
	@if [ -x /usr/sbin/slurmctld ] && [ -x /usr/sbin/munged ]; then \
	    echo "SLURM is installed already."; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
	    echo "Not root, or no apt-get: no SLURM installed, make smoke-slurm cannot run."; \
	else \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        slurm-wlm munge > /dev/null; \
	fi

.PHONY: smoke-slurm
smoke-slurm: $(DEV_READY)  ## submit every script for clusters to a SLURM with two nodes on this machine (after install-slurm)
	$(BIN)/pytest -q -p no:xdist tests/slurm $(ARGS)

.PHONY: lint
lint: $(DEV_READY)  ## check style, formatting and the types of the Python interface
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pylint --rcfile=pyproject.toml calosim_tf experiments data_prep
	$(BIN)/mypy

# Only as root, and only where none is there: elsewhere the tests of the report page are skipped and say so.
.PHONY: install-chromium
install-chromium:  ## install Debian's Chromium, which the tests of the report page open it in (as root)
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    command -v "$$name" && { echo "is installed already."; exit 0; }; \
	done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
	    echo "Not root, or no apt-get: no Chromium installed, the tests of the report page will be skipped."; \
	else \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	fi

# The compiler and CMake are needed; the headers are also in the TensorFlow wheel.
.PHONY: install-cpp
install-cpp:  ## install what `make cpp` builds with from Debian: CMake, a compiler, Eigen, nlohmann-json (as root)
	@if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
	    echo "Not root, or no apt-get: nothing installed; make cpp takes the headers inside of the TensorFlow wheel."; \
	else \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        cmake g++ make libeigen3-dev nlohmann-json3-dev > /dev/null; \
	fi

.PHONY: cpp
cpp: $(DEV_READY)  ## build the C++ library's example and check, compare its showers with Python's, time both (about 2 minutes)
	@for tool in cmake g++; do \
	    command -v $$tool > /dev/null || { echo "make cpp: $$tool is not installed: make install-cpp" >&2; exit 1; }; \
	done
	$(BIN)/python docs/cpp/check/run.py

.PHONY: docs
docs: $(DEV_READY)  ## build the documentation in docs/_build/html; a warning is an error
	$(BIN)/calosim reproduce --docs docs --check
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

# npm installs onnxruntime-web into build/page, once
.PHONY: page
page: $(DEV_READY)  ## build docs/_build/page, which makes showers in a browser (needs Node.js with npm)
	$(BIN)/python docs/page/build.py

.PHONY: test-page
test-page: page  ## build the page and compare its showers with those of Python in headless Chromium
	CALOSIM_TEST_PAGE="$(CURDIR)/docs/_build/page" $(BIN)/pytest -q -p no:xdist tests/page $(ARGS)

.PHONY: tutorials
tutorials: $(DEV_READY)  ## run the commands of README, tutorials and task pages; notebooks are then in docs/_build/notebooks
	$(BIN)/python docs/run_pages.py --jobs $(JOBS) --notebooks docs/_build/notebooks $(PAGES)

.PHONY: rehearse
rehearse:  ## what a newcomer does: fresh clone, no environment, the commands of the README, the tutorials; prints the times
	@PYTHON="$(PYTHON)" ITERATIONS="$(ITERATIONS)" ARGS="$(ARGS)" docs/rehearse.sh

.PHONY: format
format: $(DEV_READY)  ## put the code into the agreed format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: install
install: $(READY)  ## make .venv with the package

.PHONY: install-dev
install-dev: $(DEV_READY)  ## make .venv with the package and the tools for tests and lint

.PHONY: install-fleet
install-fleet: $(READY)  ## Snakemake for `calosim fleet run`, in an environment of its own beside .venv's packages
	@"$(PYTHON)" -m venv $(VENV)/fleet
	@$(VENV)/fleet/bin/python -m pip install -qq -r experiments/hpc/fleet/requirements.txt

.PHONY: clean
clean:  ## remove .venv, build results and caches (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find calosim_tf experiments data_prep tests -name __pycache__ -prune -exec rm -rf {} +

$(READY): setup.py setup.cfg pyproject.toml constraints.txt constraints-keras3.txt
	@case "$(call version,$(PYTHON))" in 3.11 | 3.12 | 3.13) ;; *) \
	    echo "calosim-tf needs Python 3.11, 3.12 or 3.13, found $(or $(call version,$(PYTHON)),none) as $(or $(PYTHON),python3.11, python3.13, python3.12, python3 or python): use PYTHON=/path/to/python3.11" >&2; \
	    exit 1 ;; \
	esac
	@echo "Installing into $(VENV) (once, about 1 minute) ..."
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@$(PIP_INSTALL) setuptools wheel
	@$(PIP_INSTALL) -e .
	@echo "$(CURDIR)" > $@

# READY is set aside meanwhile: a kill in here must not leave an environment that looks whole.
$(DEV_READY): $(READY)
	@echo "Installing the tools for tests and lint into $(VENV) (once, about half a minute) ..."
	@mv $(READY) $(VENV)/.unfinished
	@$(PIP_INSTALL) -e '.[dev]'
	@mv $(VENV)/.unfinished $(READY)
	@touch $@
