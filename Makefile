# The front door: `make` alone lists what it can do.

KNOBS := SUITE TARGET KERNEL KERNEL_ARGS SMP MEMORY NUMA QUANTUM ACCELERATOR PIN_VCPUS TIMING DURATION REPS SEED JOBS COUNTERS \
  SCENARIO BASE BASE_PROGRAM ALLOW SLO RATES FORMAT FROM RESULTS QUICK REPEAT SEEDS STRESS DRY_RUN
# One that is misspelt would otherwise change nothing, and boot guests.
unknown := $(strip $(foreach name,$(filter-out $(KNOBS) PIPELAB_%,$(.VARIABLES)),$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
$(if $(unknown),$(error $(firstword $(unknown)): is no knob: see README.md, or give one of $(KNOBS)))
# What is given is text: make expands nothing in it, and recipes have it in variables of the shell, which runs none of it.
# The scripts know what to do without.
$(foreach knob,$(KNOBS),$(if $(filter-out undefined,$(origin $(knob))),$(eval override export $(knob) := $$(value $(knob)))))
# RESULTS, a folder, has result_data/ and results.md as this one has.
$(if $(value RESULTS),$(eval override export PIPELAB_RUNS := $$(value RESULTS)/result_data/runs))
suites = $${SUITE:-t000 t001}

# The option of a script whose value was given, if it was
option = $${$(2):+--$(1) "$$$(2)"}
target := $(call option,target,TARGET)
machine := "$${TARGET:-aarch64}"
guest := $(target) $(call option,kernel,KERNEL) $(call option,kernel-args,KERNEL_ARGS) $(call option,smp,SMP) \
  $(call option,memory,MEMORY) $(call option,numa,NUMA) $(call option,quantum,QUANTUM) \
  $(call option,accelerator,ACCELERATOR) $(call option,pin-vcpus,PIN_VCPUS)
timing := $(call option,timing,TIMING)
one_timing := $${TIMING:+--timing "$${TIMING%% *}"}
duration := $(call option,duration,DURATION)
reps := $(call option,reps,REPS)
is_dry := [[ $${DRY_RUN:-0} != 0 ]]
dry := $$(! $(is_dry) || echo --dry-run)
runs := $(reps) $(call option,seed,SEED) $(call option,jobs,JOBS) $(duration) $(dry)

LAB := PYTHONPATH=scripts /usr/bin/python3 -m lab

SHELL := bash
.SHELLFLAGS := -feu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' Makefile) # every target

help: ## list the targets
	@echo "usage: make TARGET [KNOB=VALUE...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'knobs: SUITE="t000 t001" TARGET=aarch64 TIMING="exact live" REPS=6 SEED=1 DURATION=seconds'
	@echo "       of guests: KERNEL=name SMP=cpus MEMORY=MB NUMA=nodes ... ; COUNTERS=1 (README.md has all)"

run-scenarios: setup-run $(if $(COUNTERS),counters) ## boot a guest for each run of SUITE, and write result_data/ and results.md
	@scripts/run_scenarios.sh --make-images $(guest) $(timing) $(runs) $(suites)
	@[[ -z $${COUNTERS-} ]] || scripts/count_runs.sh $(call option,jobs,JOBS) $(dry)

ablation: setup-run ## run SUITE (feed-ablation), of whose [ladder] each step is run alone, and with all above it
	@scripts/run_scenarios.sh --make-images $(guest) $(timing) $(runs) $${SUITE:-feed-ablation}

matrix: setup-run ## run SUITE (t000) on every target with every kernel that it has, once each, and make one table
	@scripts/matrix.sh $(reps) $(duration) $(dry) $${SUITE:-t000}

verify: setup-run ## make the exact results of SUITE again, and compare them byte for byte (STRESS=1: on a busy host)
	@[[ $${STRESS:-0} == 0 ]] || set -- --stress; scripts/verify.sh "$$@" $(dry) $(suites)

report: setup-run ## make the tables, pictures and results.md again, from the runs that are there
	@$(LAB) report

html: setup-run ## results.md as one file with plots to look into, results.html, which needs no network
	@$(LAB) html

profile: setup-run counters ## count the instructions of each function in SCENARIO, as a table and a picture
	@scripts/profile.sh $(guest) $(call option,seed,SEED) $(duration) $(dry) "$${SCENARIO:-t000/baseline}"

trace: setup-run ## what the threads of SCENARIO waited for, and who had their CPU (the kernel's sched events)
	@for each in $${SCENARIO:-t000/baseline}; do set -- "$$@" --scenario "$$each"; done; \
	scripts/trace.sh $(target) $(one_timing) "$$@" $(reps) $(duration) $(dry)

gate: setup-run ## is result_data/ worse than BASE=DIR or BASE=GIT-REV? (ALLOW="kernel host": though these differ)
	@for each in $${ALLOW-}; do set -- "$$@" --allow "$$each"; done; scripts/gate.sh $(call option,base,BASE) "$$@"

ab: setup-run ## run SUITE with the program of BASE=GIT-REV and with this one in turns, and compare them
	@scripts/ab.sh --make-images $(call option,base,BASE) $(call option,base-program,BASE_PROGRAM) $(target) $(timing) --reps 6 $(runs) $(suites)

capacity: setup-run ## the highest rate at which SCENARIO holds SLO="response_p99_us=200 drop_rate=0" (or its [slo])
	@scripts/capacity.sh --make-images $(guest) $(one_timing) $(runs) $(call option,slo,SLO) $(call option,rates,RATES) \
	  "$${SCENARIO:-t000/baseline}"

noise-floor: setup-run image ## run SUITE against itself: the smallest change that this host can detect, by metric
	@PIPELAB_RUNS=$$PWD/build/noise_floor/result_data/runs scripts/run_scenarios.sh $(target) --timing live \
	  --reps 10 $(reps) $(call option,seed,SEED) $(duration) $(dry) $(suites)
	@$(is_dry) || $(LAB) noise-floor build/noise_floor/result_data $(suites)

export: setup-run ## print FROM in another tool's FORMAT: google-benchmark, go, prometheus; of a run chrome-trace, hlog
	@$(LAB) export --format "$${FORMAT-}" $${FROM:+"$$FROM"}

image: program ## make the kernel (KERNEL) and initramfs of TARGET under build/image/
	@qemu/make_image.sh $(call option,kernel,KERNEL) $(machine)

image-perf: program # the same, with perf
	@qemu/make_image.sh --perf $(call option,kernel,KERNEL) $(machine)

image-go: program setup-go # the same, with pipelab exchange's responders in Go
	@scripts/build.sh $(machine) exchange-go
	@qemu/make_image.sh --go $(call option,kernel,KERNEL) $(machine)

program: setup-run # the workload, for guests of TARGET, and for this machine, where it checks suites
	@qemu/get_packages.sh $(machine)
	@scripts/build.sh host pipelab turnstile
	@scripts/build.sh $(machine) pipelab attendant

bench: setup-bench ## measure the queues against their peers on this machine, in 5 min (QUICK=1: in 30 s)
	@qemu/get_packages.sh --sources
	@[[ $${QUICK:-0} == 0 ]] || set -- --quick; scripts/bench.sh "$$@"

counters: setup-run ## build the plugin that counts instructions and simulates caches
	@scripts/build.sh counters

shell: image ## an interactive console in a guest (Ctrl-A X ends it)
	@qemu/run_vm.sh --shell --timing live $(guest) $(dry)

test: setup-test image ## run the tests, with real guests at the end
	@tests/run_all.sh

thorough: setup-test image ## run those tests too that take minutes each: more targets, seeds and programs
	@tests/run_all.sh --thorough

check: setup-test image ## run the tests that do not take long, between two edits
	@tests/run_all.sh --quick

sanitize: setup-test ## the unit tests under the sanitizers, many times (REPEAT=20) in random order
	@for preset in tsan asan; do \
	  scripts/build.sh $$preset pipelab_test; \
	  build/$$preset/pipelab_test --gtest_brief=1 --gtest_shuffle --gtest_repeat="$${REPEAT:-20}"; \
	done

soak: image ## look for lost, doubled and torn items in real guests, under many seeds (SEEDS=200)
	@tests/soak.sh "$${SEEDS:-200}"

lint: setup-lint ## clang-format, clang-tidy, shellcheck, black, mypy
	@scripts/lint.sh

format: setup-lint ## format all C++ and Python
	@clang-format -i $$(git ls-files '*.cpp' '*.hpp') && black -q scripts tests

version: ## print the version
	@sed -n 's/^project(pipelab VERSION \([0-9.]*\).*/\1/p' src/CMakeLists.txt

clean: ## remove build/ (result_data/ stays)
	rm -rf build

setup-run setup-go setup-bench setup-test setup-lint: setup-%:
	@scripts/setup.sh $* $(machine)
