# Go is all that must be there. `make` alone lists what it can do.

GO ?= go
FUZZTIME ?= 10s
# Arguments for `usher dev`, as in: make run ARGS="--addr :9090"
ARGS ?=
# Tests share one private Postgres, Redis and Kafka stand-in, which end with them.
STORES := $(GO) run ./internal/testenv/stores --

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name what; do printf '  %-8s %s\n' "$$name" "$$what"; done

.PHONY: deps
deps: ## install PostgreSQL and Redis if they are missing (Debian, Ubuntu; asks before it uses sudo)
	@./deploy/local/install.sh postgres redis

.PHONY: build
build: ## build bin/usher
	$(GO) build -o bin/usher .

.PHONY: run
run: deps build ## run the whole system here with demo data, on http://localhost:8080
	@exec ./bin/usher dev $(ARGS)

# Browsers come after the rest: beside them the proofs that kill processes would meet other moments than they are about.
.PHONY: test
test: deps ## run all tests against real stores, and in a real browser
	@browser=$${USHER_BROWSER:-}; [ -n "$$browser" ] || ./deploy/local/install.sh chromium || browser=skip; \
	echo '$(STORES) $(GO) test ./...'; USHER_BROWSER=$$browser $(STORES) $(GO) test -skip '^TestInABrowser' ./... || exit; \
	[ "$$browser" = skip ] || USHER_BROWSER=$$browser $(STORES) $(GO) test -run '^TestInABrowser' ./internal/apptest ./gateway || exit; \
	[ "$$browser" != skip ] || echo 'NOT RUN: the browser tests (TestInABrowser… and internal/browser). They need Chromium: make browser'

.PHONY: browser
browser: deps ## run the tests in a real browser, headless Chromium, which is installed if it is missing
	@./deploy/local/install.sh chromium
	$(GO) test ./internal/browser
	$(STORES) $(GO) test -run '^TestInABrowser' ./gateway ./internal/apptest

.PHONY: screens
screens: deps ## walk the pages in a browser and take screenshots of every page and state into docs/screens
	@./deploy/local/install.sh chromium fonts
	USHER_SCREENS=$(CURDIR)/docs/screens $(STORES) $(GO) test -count=1 -run '^TestInABrowser' ./internal/apptest

.PHONY: race
race: deps ## run the packages' tests with the race detector
	@./deploy/local/install.sh gcc
	USHER_BROWSER=skip CGO_ENABLED=1 $(STORES) $(GO) test -race $$($(GO) list ./... | grep -v /apptest)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, deadcode
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'd: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags faults ./...
	$(GO) tool staticcheck ./...
	@dead=$$($(GO) tool deadcode -test -tags faults ./...); [ -z "$$dead" ] || { echo "$$dead"; exit 1; }

.PHONY: fuzz
fuzz: ## fuzz every parser of outside bytes for FUZZTIME (10s) each
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" </dev/null || exit 1; \
		done || exit 1; \
	done

.PHONY: crowd
crowd: ## send 2,000 simulated fans after the final that make run sells, and count what must be zero
	$(GO) run ./loadtest/crowd $(ARGS)

.PHONY: surge
surge: ## the same flow as a k6 script with thresholds
	$(GO) -C loadtest/k6 tool k6 run surge.js

.PHONY: bench
bench: deps ## measure: polls, joins, bookings against row locks, views, streams, search in 200,000 events (quarter of an hour; quiet machine)
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Poll|Bare|Join|VerifyCached|Scripts|Commit|Render' -benchmem ./waitroom/... ./gateway ./booking/hold ./booking/worker ./catalog
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Bookings' -benchtime 1x -count 3 .
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Views' .
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'SiteMap' -benchtime 1x .
	$(GO) test -run '^$$' -bench 'Stream' ./gateway
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench Search -benchtime 300x ./search/pgtext -events 200000 -rate 100

.PHONY: clean
clean: ## remove what was built; the data of make run stays in .usher
	rm -rf bin
