# `make demo` and `make test` are all a fresh machine needs: they set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test bench gpu paper lint lint-js clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)

# The included portrait talks, happy at first and angry from the middle on; then its 128x128 become 512x512.
# glibc would return every picture's memory to the system and fetch it again: an eighth of the processor time.
demo: export MALLOC_MMAP_THRESHOLD_ = 33554432
demo: export MALLOC_TRIM_THRESHOLD_ = 1073741824
demo: $(READY)
	rm -rf output/demo.mp4 output/demo.mp4.hallo2 output/demo_128px.mp4 output/demo_128px.mp4.hallo2
	$(BIN)/python -m hallo2_core animate --model demo --portrait hallo2_core/examples/portrait.png \
		--audio hallo2_core/examples/voice.wav --text '0-4.3 happy; 4.3- angry' --few-step demo --seed 3 --quality 1 \
		--out output/demo_128px.mp4
	$(BIN)/python -m hallo2_core upscale --model demo --video output/demo_128px.mp4 --scale 4 --fidelity 1 \
		--out output/demo.mp4

# A worker a core, up to four. Each takes about 1 GiB, and one of them runs all tests of a host version. Hosts compute
# with one thread too: threads of processes that share cores wait for each other.
WORKERS = $(shell $(BIN)/python -c "import os; print(min(os.cpu_count(), 4))")
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

# Operations, memory and time: tables, and JSON in output/bench. About two minutes on a quiet core, with the demo's
# networks; `make bench BENCH=--full` measures networks of the released size, in about an hour and 10 GiB of memory.
bench: $(READY)
	$(BIN)/python tests/bench/run.py $(BENCH)

# Any Python with torch: `make gpu GPU_PYTHON=~/ComfyUI/.venv/bin/python`. Sets nothing up.
GPU_PYTHON ?= $(firstword $(wildcard $(BIN)/python) $(PYTHON))
gpu:
	PYTHONPATH=. $(GPU_PYTHON) tools/gpu_report.py

# The paper's experiments with the demo model: docs/paper_in_small.md and its pictures, and the tables of docs/model_card.md.
# 11 minutes on one core; a stopped run goes on.
paper: $(READY)
	$(BIN)/python tests/bench/paper_in_small.py
	$(BIN)/python tools/model_card.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

# Needs node and npm, which nothing else here does.
lint-js:
	npm install --no-package-lock --no-audit --no-fund --silent
	npm run --silent lint

clean:
	rm -rf $(VENV) output node_modules
