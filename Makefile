# Go is all that must be there. `make` alone lists what it can do.

GO ?= go
FUZZTIME ?= 10s
# Arguments for `usher dev`, as in: make run ARGS="--addr :9090"
ARGS ?=
DOCKER ?= docker
# Tests share one private Postgres, Redis and Kafka stand-in, which end with them.
STORES := $(GO) run ./internal/testenv/stores --
# The same with Apache Kafka and Elasticsearch. The suites that speak to them, and what of the whole system is proved on them, are chosen by name.
ENGINES := $(GO) run ./internal/testenv/stores -engines real --
ENGINE_PACKAGES := ./internal/stream ./internal/testenv ./booking/worker ./booking/relay ./booking/desk ./search/elastic ./search/fallback ./search/indexer
ENGINE_PROOFS := OnRealEngines|^TestAFanWalksFromTheSearchToHisTicket$$|^TestAcknowledgedBookingsSurvive|^TestControlAcknowledging|^TestTwoHundredFansRace|^TestReadingGoesOn

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name what; do printf '  %-12s %s\n' "$$name" "$$what"; done

.PHONY: deps
deps: ## install PostgreSQL and Redis if they are missing (Debian, Ubuntu; asks before it uses sudo)
	@./deploy/local/install.sh postgres redis

.PHONY: build
build: ## build bin/usher, the file that the image of deploy/Dockerfile holds
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags=-s -o bin/usher .

.PHONY: run
run: deps build ## run the whole system here with demo data, on http://localhost:8080
	@exec ./bin/usher dev $(ARGS)

.PHONY: stack
stack: deps build ## the same on Apache Kafka and Elasticsearch, which are installed if they are missing; its data is in .usher-stack
	@./deploy/local/install.sh java maven
	@exec ./bin/usher dev --engines real --data .usher-stack $(ARGS)

# What is LATER comes after the rest, one by one, and then browsers and engines: beside others the proofs that kill processes would meet other moments than they are about.
LATER := internal/apptest booking/simulation waitroom/simulation loadtest/million

.PHONY: test
test: deps ## run all tests against real stores, in a real browser, on Apache Kafka and Elasticsearch, and on an S3 server
	@left=; browser=$${USHER_BROWSER:-}; engines=$${USHER_TEST_ENGINES:-}; \
	[ -n "$$browser" ] || ./deploy/local/install.sh chromium || browser=skip; \
	[ -n "$$engines" ] || ./deploy/local/install.sh java maven || engines=skip; \
	echo '$(STORES) $(GO) test ./...'; USHER_TEST_ENGINES=skip USHER_TEST_S3=skip USHER_BROWSER=$$browser $(STORES) $(GO) test -skip '^TestInABrowser' $$($(GO) list ./... | grep -v $(LATER:%=-e %)) || exit; \
	USHER_TEST_ENGINES=skip USHER_TEST_S3=skip USHER_BROWSER=skip $(STORES) $(GO) test -p 1 -timeout 20m -skip '^TestInABrowser' $(LATER:%=./%) || exit; \
	if [ "$$browser" = skip ]; then left="$$left the browser tests, which need Chromium (make browser);"; else \
		USHER_BROWSER=$$browser $(STORES) $(GO) test -run '^TestInABrowser' ./internal/apptest ./gateway || exit; fi; \
	if [ "$$engines" = skip ]; then left="$$left the suites on Apache Kafka and Elasticsearch, which need Java and Maven (make engines);"; else \
		$(MAKE) --no-print-directory engines || exit; fi; \
	if [ "$${USHER_TEST_S3:-}" = skip ]; then left="$$left the suite on an S3 server (make s3);"; else \
		$(MAKE) --no-print-directory s3 || exit; fi; \
	$(DOCKER) compose version >/dev/null 2>&1 || left="$$left Docker's own reading of deploy/compose.yaml, which needs the client of Docker Compose (it was held to the schema);"; \
	[ -z "$$left" ] || echo "NOT RUN:$${left%;}"

.PHONY: engines
engines: deps ## run what speaks to Kafka and Elasticsearch against Apache Kafka and Elasticsearch, which are installed if they are missing
	@./deploy/local/install.sh java maven
	USHER_BROWSER=skip $(ENGINES) sh -c '$(GO) test $(ENGINE_PACKAGES) && $(GO) test -run "$(ENGINE_PROOFS)" ./deploy/local ./internal/apptest .'

.PHONY: browser
browser: deps ## run the tests in a real browser, headless Chromium, which is installed if it is missing
	@./deploy/local/install.sh chromium
	$(GO) test ./internal/browser
	USHER_TEST_ENGINES=skip $(STORES) $(GO) test -run '^TestInABrowser' ./gateway ./internal/apptest

.PHONY: s3
s3: deps ## run what speaks to S3 against a real server, the Versity S3 Gateway, which is built from its Go module
	$(GO) run ./internal/testenv/s3 -- sh -c '$(GO) test -count=1 ./images/s3 && USHER_BROWSER=skip $(STORES) $(GO) test -count=1 -run Bucket ./internal/apptest'

.PHONY: screens
screens: deps ## walk the pages in a browser and take screenshots of every page and state into docs/screens
	@./deploy/local/install.sh chromium fonts
	USHER_SCREENS=$(CURDIR)/docs/screens $(STORES) $(GO) test -count=1 -run '^TestInABrowser' ./internal/apptest

.PHONY: race
race: deps ## run the packages' tests with the race detector
	@./deploy/local/install.sh gcc
	USHER_BROWSER=skip USHER_TEST_ENGINES=skip USHER_TEST_S3=skip CGO_ENABLED=1 $(STORES) $(GO) test -race $$($(GO) list ./... | grep -v /apptest)

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

.PHONY: steps
steps: ## play a sale in which something goes wrong, in virtual time, before a door that follows and one that does not, and draw docs/steps.svg
	$(GO) run ./internal/steps -svg docs/steps.svg

.PHONY: crowd
crowd: ## send 2,000 simulated fans after the final that make run sells, and count what must be zero
	$(GO) run ./loadtest/crowd $(ARGS)

.PHONY: surge
surge: ## the same flow as a k6 script with thresholds
	$(GO) -C loadtest/k6 tool k6 run surge.js

.PHONY: prove
prove: deps ## long proofs: every store and every two of them killed and paused under reads, and under 50,000 who wait; how old views are in a sale; what is told of seats; payments by card; thirty days of bookings (half an hour; quiet machine)
	@./deploy/local/install.sh java maven
	USHER_PROVE=1 USHER_BROWSER=skip $(ENGINES) $(GO) test -count=1 -v -parallel 1 -timeout 60m -run '^TestReadingGoesOnWhileStoresAreAway|^TestASaleIsShownAtBothGateways' ./internal/apptest
	USHER_PROVE=1 USHER_BROWSER=skip USHER_TEST_ENGINES=skip $(STORES) $(GO) test -count=1 -v -parallel 1 -timeout 30m -run '^TestTheLineSurvivesItsStores$$|^TestCallingIsSmooth$$|^TestWhatIsToldOfSeatsIsLinearizable$$|^TestEveryChargeHasItsTicketThroughEveryFault$$' ./internal/apptest
	USHER_PROVE=1 $(STORES) $(GO) test -count=1 -v -timeout 30m -run '^TestDaysLeaveTablesFlat$$' ./booking/relay

.PHONY: prove-payments
prove-payments: deps ## 100,000 payments by card through every fault, and the books compared afterwards (ten minutes; quiet machine)
	USHER_PROVE=1 $(STORES) $(GO) test -count=1 -v -parallel 4 -timeout 60m -run '^TestAStormOfCardsAndDeaths$$' ./booking/payment

.PHONY: bench
bench: deps ## measure: polls, joins, bookings against row locks, 10,000 fans at 500 seats, a stadium, views, streams, search in 200,000 events (half an hour; quiet machine)
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Poll|Bare|View|Join|VerifyCached|Scripts|Commit|Render' -benchmem ./waitroom/... ./gateway ./booking/hold ./booking/worker ./catalog
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Bookings|Contended|Rush' -benchtime 1x -count 3 .
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Stadium' -benchtime 1x .
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'Views' .
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench 'SiteMap' -benchtime 1x .
	$(GO) test -run '^$$' -bench 'Stream' ./gateway
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -run '^$$' -bench Search -benchtime 300x ./loadtest/searches -events 200000 -rate 100

# Visitors who wait, 1,000 to 1,000,000.
VISITORS ?= 1000000

.PHONY: bench-million
bench-million: deps ## measure one gateway and one Redis with a million waiting visitors (five minutes, 4 GB of memory; quiet machine)
	USHER_TEST_SYNC=1 $(STORES) $(GO) test -v -run '^$$' -bench Million -benchtime 1x -timeout 1h ./loadtest/million -visitors $(VISITORS)

# A year of the brief: 10,000 venues, each with an event a day.
EVENTS ?= 3650000
SEARCHES ?= 2000
# Searches of each kind before any counts.
WARM ?= 400

.PHONY: bench-search
bench-search: deps ## measure search in Elasticsearch and Postgres with a year of 10,000 venues, 3.65 million events (three quarters of an hour, 20 GB of disk; quiet machine)
	@./deploy/local/install.sh java maven
	USHER_TEST_SYNC=1 $(ENGINES) $(GO) test -v -run '^$$' -bench Search -benchtime $(SEARCHES)x -timeout 4h ./loadtest/searches -events $(EVENTS) -warm $(WARM)

.PHONY: clean
clean: ## remove what was built; the data of make run and make stack stays in .usher and .usher-stack
	rm -rf bin
