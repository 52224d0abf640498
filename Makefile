# `make run` and `make test` are all that a fresh machine needs: Python 3.10 or later, make, git.

# TensorFlow has wheels for these Pythons; the first one that is here is taken.
PYTHONS := python3.13 python3.12 python3.11 python3.10
SUITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 $(PYTHONS); do $$p -c '$(SUITS)' 2>/dev/null && echo $$p && break; done)

# /dev/dxg is the GPU of Windows, seen from WSL2. 0x10de is NVIDIA on the PCI bus.
DRIVER := $(wildcard /proc/driver/nvidia/version /dev/dxg)
HARDWARE := $(DRIVER)$(shell grep -ls 0x10de /sys/bus/pci/devices/*/vendor)
EXPECT := $(if $(HARDWARE),gpu,cpu)

# tensorflow-cpu exists for x86-64 Linux; elsewhere `tensorflow` is the CPU build. The wheels of
# 2.21.0 do not find their own cuSOLVER, so the CUDA build leaves that release out.
LINUX_X86 := $(filter Linux-x86_64,$(shell uname -s -m | tr ' ' -))
CPU_BUILD := $(if $(LINUX_X86),tensorflow-cpu,tensorflow)
TENSORFLOW := $(if $(DRIVER),tensorflow[and-cuda]!=2.21.0,$(CPU_BUILD))

.PHONY: run test test-all lint bench translations golden docs browser clean

run: .venv/.ready
	.venv/bin/envcheck --python .venv --expect $(EXPECT)

test: .venv-dev/.ready lint
	.venv-dev/bin/pytest -n 2 -m "not slow"

# Everything, the slow tests with many real packages too.
test-all: .venv-dev/.ready lint
	.venv-dev/bin/pytest -n 2

lint: .venv-dev/.ready
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy

bench: .venv-dev/.ready
	.venv-dev/bin/python benchmarks/startup.py
	.venv-dev/bin/python benchmarks/coffee.py

.venv/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.13 was found: name one with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable . '$(TENSORFLOW)' numpy
	touch $@

.venv-dev/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.13 was found: name one with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv-dev
	.venv-dev/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-dev .lab build dist

# The golden files anew, after a change that is meant; look at the difference.
golden: .venv-dev/.ready
	.venv-dev/bin/python -m tests.formats.golden

# A page for each finding, from the rules and from what the log reader knows.
docs: .venv-dev/.ready
	.venv-dev/bin/python tools/build_docs.py

# A Chromium for the test that opens the page; without one that test is skipped.
browser:
	tools/install_browser.sh

translations: .venv-dev/.ready
	.venv-dev/bin/pybabel -q compile -D envcheck -d envcheck/locale
