# Everything a newcomer needs: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The pinned Node.js goes first on PATH when the machine's own is too old (see lab/bootstrap-node).
NODE_BIN := $(shell ./lab/bootstrap-node)
export PATH := $(NODE_BIN):$(PATH)
export NPM_CONFIG_LOGLEVEL := error
# npm, the compiler and the lab keep compiled code too: by themselves in a directory that all users of the machine share.
ifeq ($(origin NODE_COMPILE_CACHE),undefined)
NODE_COMPILE_CACHE := $(shell $(NODE_BIN)/node cli/compile-cache.cjs)
endif
ifeq ($(NODE_COMPILE_CACHE),)
export NODE_DISABLE_COMPILE_CACHE := 1
else
export NODE_COMPILE_CACHE
endif

LAB := node --enable-source-maps dist/lab/main.js

.PHONY: help up down env status preview rollback render cli images test check lint bench
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

node_modules/.package-lock.json: package.json package-lock.json packages/*/package.json
	@echo "- installing the npm packages of package-lock.json" >&2
	@npm ci --no-audit --no-fund >/dev/null & started=$$!; seconds=0; \
	while kill -0 $$started 2>/dev/null; do \
	  sleep 1; seconds=$$((seconds + 1)); \
	  [ $$((seconds % 15)) -ne 0 ] || echo "  still: npm ci ($$seconds s)" >&2; \
	done; wait $$started
	@touch $@

.PHONY: build
build: node_modules/.package-lock.json
	@npx --no-install tsc -b >&2

up: build ## The main job on the lab: cluster, images, database, then the cutover (SCHEMA=text, DUMP=path.sql)
	@$(LAB) up

rollback: build ## Take the lab back to the embedded servers: rows first, then Studio
	@$(LAB) rollback

preview: build ## What the next `make up` would change: resources and rows
	@$(LAB) preview

env: ## Shell commands for pulumi, kubectl, psql and mcp-fleet on the lab: eval "$(make env)"
	@$(LAB) env

status: build ## The lab as JSON: kubeconfig, database URL, stack, namespace, servers
	@$(LAB) status

down: build ## Stop and remove everything the lab started
	@$(LAB) down

test: build ## All rungs: unit, graph, golden, package, database, lab
	@node --enable-source-maps dist/test/run.js

check: node_modules/.package-lock.json ## Types, lint, format, unit tests: under a minute
	@npm run --silent check

render: build ## A stack as plain YAML with a kustomization.yaml, without the Pulumi CLI (FILE=Pulumi.dev.yaml OUT=out/render SERVERS_ONLY=1)
	@[ -n "$(FILE)" ] || { echo "FILE is not set, so there is nothing to render." >&2; \
	  echo "Name a stack file: make render FILE=Pulumi.dev.yaml" >&2; exit 1; }
	@node --enable-source-maps dist/render/main.js $(FILE) --out $(or $(OUT),out/render) $(if $(SERVERS_ONLY),--servers-only) \
	  $(if $(ASSUME_SECRETS),--assume-secret $(ASSUME_SECRETS)) $(if $(WITH_SECRETS),--with-secret $(WITH_SECRETS))

cli: build ## Put mcp-fleet on PATH: one packed file, installed by npm (PREFIX=~/.local for a place of your own)
	@mkdir -p out && npm pack ./cli --silent --pack-destination out >/dev/null
	@npm install --global --silent --no-audit --no-fund $(if $(PREFIX),--prefix $(PREFIX)) ./out/mcp-fleet-$$(node -p 'require("./cli/package.json").version').tgz
	@echo "mcp-fleet is in $$(npm prefix --global $(if $(PREFIX),--prefix $(PREFIX)))/bin" >&2

images: ## Build the images, and say what to put into the stack file (REGISTRY=registry.example.com/mcp-fleet PUSH=1)
	@REGISTRY="$(REGISTRY)" PUSH="$(PUSH)" IMAGES="$(IMAGES)" BUILDER="$(BUILDER)" ./images/build.sh

lint: build ## Lint and format check alone
	@npm run --silent lint && npm run --silent format:check

bench: build ## Every bench, ours beside what one would use instead: bench/out/results.json (BENCH="rows 1000 10000" for one)
	@node --enable-source-maps dist/bench/main.js $(BENCH)
