# The front door: `make` alone lists what it can do.

SUITE ?= t000 t001
TARGET ?= aarch64
KERNEL ?=
KERNEL_ARGS ?=
SMP ?=
MEMORY ?=
NUMA ?=
ACCELERATOR ?=
PIN_VCPUS ?=
TIMING ?= exact live
REPS ?= 3
SEED ?= 1
SCENARIO ?= t000/baseline
JOBS ?= $(shell nproc)
# COUNTERS=1 counts the exact runs of a sweep as well
# QUICK=1 makes a short bench; DURATION, in seconds, where it is not to be what the suite says

RESULTS := result_data
# Of gates (BASE, ALLOW) and of exports
BASE ?=
ALLOW ?=
# Of capacity: objectives, and the lowest and the highest rate
SLO ?=
RATES ?=
FORMAT ?=
FROM ?= $(RESULTS)
LAB := PYTHONPATH=scripts /usr/bin/python3 -m lab

# What a guest is, where it is not to be what the suite says
GUEST = $(if $(KERNEL),--kernel "$(KERNEL)") $(if $(KERNEL_ARGS),--kernel-args "$(KERNEL_ARGS)") \
  $(if $(SMP),--smp "$(SMP)") $(if $(MEMORY),--memory "$(MEMORY)") $(if $(NUMA),--numa "$(NUMA)") \
  $(if $(ACCELERATOR),--accelerator "$(ACCELERATOR)") $(if $(PIN_VCPUS),--pin-vcpus "$(PIN_VCPUS)")

# So that two builds do not meet in build/
ALONE := flock src bash -c

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' Makefile) # every target

help: ## list the targets
	@echo "usage: make TARGET [KNOB=VALUE...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "knobs: SUITE=\"$(SUITE)\" TARGET=$(TARGET) TIMING=\"$(TIMING)\" REPS=$(REPS) SEED=$(SEED) DURATION=seconds"
	@echo "       of guests: KERNEL=name SMP=cpus MEMORY=MB NUMA=nodes ... ; COUNTERS=1 (README.md has all)"

run-scenarios: setup-run program $(if $(COUNTERS),counters) ## boot a guest for each run of SUITE, and write result_data/ and results.md
	@scripts/run_scenarios.sh --make-images --target "$(TARGET)" $(GUEST) --timing "$(TIMING)" --reps "$(REPS)" --seed "$(SEED)" \
	  --jobs "$(JOBS)" $(if $(DURATION),--duration "$(DURATION)") $(SUITE)
	@$(if $(COUNTERS),scripts/count_runs.sh --jobs "$(JOBS)")

matrix: setup-run ## run SUITE (t000) on every target with every kernel that it has, once each, and make one table
	@scripts/matrix.sh --reps "$(REPS)" $(if $(DURATION),--duration "$(DURATION)") $(SUITE)

verify: setup-run ## make the exact results of SUITE again, and compare them byte for byte
	@scripts/verify.sh $(SUITE)

timer-latency: setup-run ## how late timers are in the guests of SUITE (cyclictest, rtla)
	@for suite in $(SUITE); do scripts/timer_latency.sh --target "$(TARGET)" --timing "$(firstword $(TIMING))" "$$suite"; done

report: setup-run ## make the tables, pictures and results.md again, from the runs that are there
	@$(LAB) report --runs $(RESULTS)/runs --result-data $(RESULTS) --page results.md

html: setup-run ## results.md as one file with plots to look into, results.html, which needs no network
	@$(LAB) html --runs $(RESULTS)/runs --result-data $(RESULTS) --page results.html

profile: setup-run counters ## count the instructions of each function in SCENARIO, as a table and a picture
	@scripts/profile.sh --target "$(TARGET)" $(GUEST) --seed "$(SEED)" $(if $(DURATION),--duration "$(DURATION)") "$(SCENARIO)"

trace: setup-run ## what the threads of SCENARIO waited for, and who had their CPU (the kernel's sched events)
	@scripts/trace.sh --target "$(TARGET)" --timing "$(firstword $(TIMING))" $(SCENARIO:%=--scenario "%") \
	  $(if $(filter command environment,$(origin REPS)),--reps "$(REPS)") $(if $(DURATION),--duration "$(DURATION)")

gate: setup-run ## is result_data/ worse than BASE=DIR or BASE=GIT-REV? (ALLOW="kernel host": though these differ)
	@scripts/gate.sh --base "$(BASE)" $(ALLOW:%=--allow %)

ab: setup-run image ## run SUITE with the program of BASE=GIT-REV and with this one in turns, and compare them
	@scripts/ab.sh --base "$(BASE)" --target "$(TARGET)" --timing "$(TIMING)" --reps "$(REPS)" --seed "$(SEED)" \
	  --jobs "$(JOBS)" $(if $(DURATION),--duration "$(DURATION)") $(SUITE)

capacity: setup-run program ## the highest rate at which SCENARIO holds SLO="response_p99_us=200 drop_rate=0" (or its [slo])
	@scripts/capacity.sh --make-images --target "$(TARGET)" $(GUEST) --timing "$(firstword $(TIMING))" --reps "$(REPS)" --seed "$(SEED)" \
	  --jobs "$(JOBS)" $(if $(DURATION),--duration "$(DURATION)") $(if $(SLO),--slo "$(SLO)") $(if $(RATES),--rates "$(RATES)") "$(SCENARIO)"

matrix: REPS := $(if $(filter command environment,$(origin REPS)),$(REPS),1)
matrix: SUITE := $(if $(filter command environment,$(origin SUITE)),$(SUITE),t000)
noise-floor: REPS := $(if $(filter command environment,$(origin REPS)),$(REPS),10)
noise-floor: setup-run image ## run SUITE against itself: the smallest change that this host can detect, by metric
	@PIPELAB_RUNS=$(PWD)/build/noise_floor/result_data/runs scripts/run_scenarios.sh --target "$(TARGET)" --timing live \
	  --reps "$(REPS)" --seed "$(SEED)" $(if $(DURATION),--duration "$(DURATION)") $(SUITE)
	@$(LAB) noise-floor build/noise_floor/result_data $(SUITE)

export: setup-run ## print FROM in another tool's FORMAT: google-benchmark, go, prometheus, chrome-trace (FROM=a run)
	@$(LAB) export --format "$(FORMAT)" "$(FROM)"

image: program ## make the kernel (KERNEL) and initramfs of TARGET under build/image/
	@qemu/make_image.sh $(if $(KERNEL),--kernel "$(KERNEL)") "$(TARGET)"

image-perf image-rt-tools: image-%: program # the same, with perf, or with cyclictest and rtla
	@qemu/make_image.sh --$* $(if $(KERNEL),--kernel "$(KERNEL)") "$(TARGET)"

program: setup-run # the workload, for guests of TARGET, and for this machine, where it checks suites
	@qemu/get_packages.sh "$(TARGET)"
	@for preset in host "$(TARGET)"; do \
	  $(ALONE) 'cmake -S src --preset "$$1" >/dev/null && cmake --build "build/$$1" --target pipelab -- --quiet' _ $$preset \
	    | sed '/no work to do/d'; \
	done

bench: setup-bench ## measure the queues against their peers on this machine, in 5 min (QUICK=1: in 30 s)
	@scripts/bench.sh $(if $(filter-out 0,$(QUICK)),--quick)

counters: setup-run ## build the plugin that counts instructions and simulates caches
	@$(ALONE) 'cmake -S qemu/counters -B build/counters -G Ninja >/dev/null && cmake --build build/counters' | sed '/no work to do/d'

shell: image ## an interactive console in a guest (Ctrl-A X ends it)
	@qemu/run_vm.sh --shell --timing live --target "$(TARGET)" $(GUEST)

test: setup-test image ## run all tests, with real guests at the end
	@tests/run_all.sh

sanitize: setup-test ## the unit tests under the sanitizers, many times (REPEAT=20) in random order
	@for preset in tsan asan; do \
	  cmake -S src --preset $$preset >/dev/null; cmake --build build/$$preset --target pipelab_test; \
	  build/$$preset/pipelab_test --gtest_brief=1 --gtest_shuffle --gtest_repeat="$(or $(REPEAT),20)"; \
	done

soak: image ## look for lost, doubled and torn items in real guests, under many seeds (SEEDS=200)
	@tests/soak.sh $(or $(SEEDS),200)

lint: setup-lint ## clang-format, clang-tidy, shellcheck, black, mypy
	@scripts/lint.sh

format: setup-lint ## format all C++ and Python
	@clang-format -i $$(git ls-files '*.cpp' '*.hpp') && black -q scripts tests

clean: ## remove build/ (result_data/ stays)
	rm -rf build

setup-run setup-bench setup-test setup-lint: setup-%:
	@scripts/setup.sh $* "$(TARGET)"
