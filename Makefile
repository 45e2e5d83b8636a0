# Each target does its own set-up; a second run skips what is done.
# Arguments go in ARGS, as in: make demo ARGS="--port 8090"
# make bundle writes dist/onemap-<version>-bundle.tar, for where there is no internet.
.PHONY: setup demo test check bench prove web bundle

setup:
	@tools/setup

demo: setup
	@.venv/bin/onemap demo $(ARGS)

test:
	@tools/setup test
	@tools/check
	@tools/test $(ARGS)

check:
	@tools/setup test
	@tools/check

bench:
	@tools/setup test
	@tools/bench $(ARGS)

prove:
	@tools/setup test
	@tools/prove $(ARGS)

web: setup
	@cd web && PATH="$(CURDIR)/.venv/bin:$$PATH" npm run dev

bundle: setup
	@tools/bundle $(ARGS)
