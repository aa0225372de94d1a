# Trợ lý thoại VssID. `make` liệt kê các lệnh (lists the targets).
# Needs only Python >= 3.11 with venv, and make. PyPI is reached once, while installing.

PYTHON ?= python3
VENV   ?= .venv
# Torch trains the model; nothing else needs it. On Linux PyPI's own torch wheel pulls gigabytes of
# CUDA packages: where pip knows of a CPU build (its own index or --find-links) that one is taken;
# name another with TORCH=..., for example TORCH=/path/to/torch-cpu.whl.
TORCH  ?= torch==2.13.0
# For `make model`: recordings of people (folders with labels.csv) and sentences (*.txt). Where these
# folders are not there, the model is made of synthetic speech and the tables alone.
HUMAN  ?= ../shared/speech/train
TEXT   ?= ../shared/speech/text
# For `make eval`: a folder of labelled sets, or one set (models/README.md)
SPEECH ?= ../shared/speech/dev
# More arguments for pytest, for example: make test PYTEST="-k dialogue -x"; "-n 0": one process
PYTEST ?=
# More arguments for the scenarios, for example: make batch BATCH="--filter must --against var/batch/OLD"
BATCH  ?=

BIN     := $(VENV)/bin
PY      := $(BIN)/python
INSTALL := $(PY) -m pip install -qq --disable-pip-version-check -c requirements.lock
RUN     := $(VENV)/.installed
DEV     := $(VENV)/.installed-dev
LIVE    := $(VENV)/.installed-live
TRAIN   := $(VENV)/.installed-train
FULL    := $(VENV)/.installed-full

DEMO       := var/demo
DEMO_PHONE := 0501234567
DEMO_CODE  := 7931025846
DEMO_TURNS := $(sort $(wildcard examples/demo/*.wav))
demo talk: export ASSISTANT_DATABASE_URL := sqlite:///$(DEMO)/accounts.sqlite3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo talk batch test test-full lint types bench eval prompts model lock clean

help: ## Liệt kê các lệnh (this list)
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: $(RUN) ## Cài vào .venv, từ PyPI, đúng phiên bản đã khóa (install, locked)

demo: $(RUN) ## Nghe thử một cuộc gọi cấp lại mật khẩu, ngoại tuyến (a whole call, offline)
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@echo "# Tài khoản bịa trong một cơ sở dữ liệu dùng một lần (an invented account, a throw-away database)"
	$(BIN)/assistant accounts add --phone $(DEMO_PHONE) --code $(DEMO_CODE) --invented
	@echo
	@echo "# Người gọi là giọng máy không có trong dữ liệu huấn luyện (a synthetic caller kept out of training)"
	$(BIN)/assistant call --from $(DEMO_PHONE) --out $(DEMO) $(DEMO_TURNS)

talk: $(LIVE) ## Nói chuyện trực tiếp qua trang web điện thoại, bằng micro của trình duyệt (talk to it, live)
	@mkdir -p $(DEMO)
	@$(BIN)/assistant accounts add --phone $(DEMO_PHONE) --code $(DEMO_CODE) --invented 2>/dev/null || true
	@echo "# Tài khoản thử (an invented account): gọi từ $(DEMO_PHONE), mã số $(DEMO_CODE)"
	@echo "# Không có trình duyệt? Dùng micro của máy này (this machine's microphone): $(BIN)/assistant talk --from $(DEMO_PHONE)"
	$(BIN)/assistant serve --open

batch: $(DEV) ## Chạy mọi kịch bản trong tests/scenarios, báo cáo ra var/batch/report.html (scored scenarios)
	$(BIN)/assistant batch run tests/scenarios --report var/batch/report.html $(BATCH)

test: $(DEV) ## Kiểm thử, dưới 5 phút trên 2 lõi (the tests, under 5 minutes on 2 cores)
	$(PY) -m pytest -n auto --maxprocesses 8 --dist worksteal -m "not full and not network" $(PYTEST)

test-full: $(FULL) ## Kiểm thử cần nhiều phút, torch hoặc gói Debian (what takes minutes, torch, Debian packages)
	$(PY) -m pytest -m "full or network" $(PYTEST)

lint: $(DEV) ## Soát mã nguồn và định dạng bằng ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(DEV) ## Soát kiểu bằng mypy --strict
	$(PY) -m mypy

bench: $(DEV) ## Đo: mỗi tệp trong benchmarks/ in số đo của nó (print the measured figures)
	@for file in benchmarks/[a-z]*.py; do \
	  [ -e "$$file" ] || { echo "benchmarks/: chưa có phép đo nào (no benchmark yet)."; exit 1; }; \
	  echo "# $$file"; $(PY) "$$file" || exit 1; done

eval: $(RUN) ## Đo bộ nhận dạng trên bản ghi có nhãn, đối chiếu mục tiêu: var/eval.html (measure on recordings)
	@test -d "$(SPEECH)" || { echo "Không có bản ghi ở $(SPEECH): make eval SPEECH=THƯ-MỤC (no recordings there)."; exit 1; }
	@mkdir -p var
	$(BIN)/assistant asr eval $(SPEECH) --bars --report var/eval.html --out var/eval.json

prompts: $(DEV) ## Dựng lại những câu thoại đã đổi rồi kiểm tra (render what changed, check)
	$(BIN)/assistant prompts build
	$(BIN)/assistant prompts check

model: $(TRAIN) ## Huấn luyện lại mô hình nhận dạng từ đầu, nhiều giờ (rebuild the embedded model, hours)
	$(BIN)/assistant train $(if $(wildcard $(HUMAN)),--human $(HUMAN)) $(if $(wildcard $(TEXT)),--text $(TEXT))

# --- what the targets above stand on ---

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Cần Python 3.11 trở lên (Python >= 3.11 is needed): make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Không tạo được môi trường ảo (no venv). Trên Debian: apt install python3-venv"; exit 1; }

$(RUN): pyproject.toml requirements.lock | $(PY)
	@echo "Đang cài các gói từ PyPI (installing)…"
	@$(INSTALL) -e .
	@touch $@

$(LIVE): $(RUN)
	@$(INSTALL) -e '.[serve,mic]'
	@touch $@

$(DEV): pyproject.toml requirements.lock | $(PY)
	@echo "Đang cài các gói để phát triển từ PyPI (installing the development extras)…"
	@$(INSTALL) -e '.[dev]'
	@touch $(RUN) $@

$(TRAIN): $(DEV)
	@echo "Đang cài $(TORCH) để huấn luyện (installing what trains the model)…"
	@$(INSTALL) '$(TORCH)'
	@$(INSTALL) -e '.[dev,train]'
	@touch $@

$(FULL): $(TRAIN)
	@$(INSTALL) -e '.[dev,train,piper,sherpa,toys,ray,mic,otel,peers]'
	@touch $@

lock: ## Khóa lại phiên bản các gói bằng uv (lock the versions again)
	uv lock --upgrade
	uv export --quiet --frozen --extra dev --extra mic --extra otel --extra peers --extra piper --extra ray \
	  --extra sherpa --extra toys --extra train --no-hashes --no-annotate \
	  --no-emit-project --prune torch -o requirements.lock

clean: ## Xóa môi trường ảo và những gì đã sinh ra (remove what was made)
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
