# Thin names over scripts/ and cargo: every target is one or two commands that may be typed by hand.

# A toolchain that rustup installed a minute ago is not on the caller's PATH yet.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
lectern := $(or $(CARGO_TARGET_DIR),target)/debug/lectern

.DEFAULT_GOAL := help
.PHONY: help setup demo live serve test bench soak gallery check fmt build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: system packages, Rust, the voice, the ONNX run-time library
	@scripts/setup

build: setup
	@cargo build $(if $(CI),--locked) --workspace

demo: build ## render the demo lecture to out/demo.mp4
	@mkdir -p out
	@$(lectern) render graphs/demo/lectern.pptx -o out/demo.mp4
	@echo "The lecture is in $(CURDIR)/out/demo.mp4, its subtitles in out/demo.srt and out/demo.vtt."

live: build ## give the demo lecture live; prints the link to open
	@$(lectern) live graphs/demo/lectern.pptx

serve: build ## take decks and make films of them; prints the address and a first token
	@$(lectern) serve

test: ## set up, check, and run every test
	@scripts/test

bench: ## measure, beside ffmpeg and GStreamer; some of it: make bench only="key hop"
	@scripts/bench $(only)

soak: ## the long tests, about two hours; results are kept in benches/results/
	@scripts/soak

gallery: setup ## draw the pictures of docs/gallery anew; some of them: make gallery only="captions"
	@scripts/gallery $(only)

check: ## format, lints, documentation, licences of dependencies; runs no test
	@scripts/check

fmt: ## format the source
	@cargo fmt --all
