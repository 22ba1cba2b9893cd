# make                        build/countersign
# make demo [ARGS=--once]     a mutual handshake, and five that are refused, before your eyes
# make check                  every test; check-long adds those that take minutes
# make fuzz TARGET=h1 SECONDS=60
# make bench                  countersign beside its peers; bench-quick: under two minutes;
#                             bench-page: and what it found goes into the manual;
#                             bench-authority: what the CA issues, and with a million stored;
#                             bench-spread: the medians of three runs, and how far they lie apart
# make install PREFIX=/usr/local
#
# TLS=auto|awslc|openssl      which TLS library; auto is AWS-LC where it can be had
# SAN=1                       with the address and undefined-behaviour sanitizers
#
# Each variant has its own build folder. What is missing from the distribution's packages
# is installed first (tools/provide-packages says what); PACKAGES=no leaves that out.
TLS      ?= auto
SAN      ?=
PREFIX   ?= /usr/local
PYTHON   ?= /usr/bin/python3
PACKAGES ?= yes
SANITIZERS := -Db_sanitize=address,undefined -Db_lundef=false
B := build$(if $(filter-out auto,$(TLS)),-$(TLS))$(if $(SAN),-san)

NINJA := ninja -C $(B) $(if $(VERBOSE),-v,--quiet)

build: packages-build aws-lc $(B)/build.ninja
	@$(NINJA) countersign

demo: build
	@$(B)/countersign demo $(ARGS)

# The tests' own programs and certificates need more packages than the product does.
check check-long: packages-check zlint build
	@$(NINJA) all
	@$(PYTHON) tools/run-checks $(if $(filter check-long,$@),--long) $(B)

install: build
	install -D -m 755 $(B)/countersign $(DESTDIR)$(PREFIX)/bin/countersign
	install -D -m 644 dist/man/countersign.1 $(DESTDIR)$(PREFIX)/share/man/man1/countersign.1
	install -D -m 644 dist/completion/countersign.bash \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/countersign
	install -D -m 644 dist/completion/countersign.zsh \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_countersign
	install -D -m 644 dist/completion/countersign.fish \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/countersign.fish
	sed 's,@PREFIX@,$(PREFIX),g' dist/countersign.service >$(B)/countersign.service
	install -D -m 644 $(B)/countersign.service \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system/countersign.service

fuzz: packages-fuzz aws-lc
	@test -f tests/fuzz/fuzz_$(TARGET).c || \
	  { echo "TARGET is one of:" tests/fuzz/fuzz_*.c; exit 2; }
	test -f build-fuzz/build.ninja || CC=clang meson setup build-fuzz -Dtls=$(TLS) -Dfuzz=true \
	  $(SANITIZERS)
	@ninja -C build-fuzz --quiet tests/fuzz/fuzz_$(TARGET)
	mkdir -p build-fuzz/corpus/$(TARGET)
	build-fuzz/tests/fuzz/fuzz_$(TARGET) -max_total_time=$(or $(SECONDS),60) \
	  build-fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

# Beside the peers that are here (bench-peers fetches those that can be had) and, unless TLS
# names one library, beside the build with OpenSSL.
BESIDE := $(if $(filter openssl,$(TLS)),,--beside "countersign (OpenSSL)=build-openssl/countersign")
bench bench-quick bench-page: packages-bench bench-peers aws-lc $(B)/build.ninja
	@$(if $(BESIDE),$(MAKE) --no-print-directory TLS=openssl PACKAGES=no build)
	@$(NINJA) countersign bench/bench-load bench/bench-pki bench/bench-backend bench/bench-floor \
	  bench/bench-flood bench/bench-sink
	@$(PYTHON) bench/run $(if $(filter bench-quick,$@),--quick,$(BESIDE)) \
	  $(if $(filter bench-page,$@),--page docs/manual/performance.md) $(ARGS) $(B)

# Whole runs, one after the other; the page has the medians of what they found.
bench-spread:
	@for n in 1 2 3; do $(MAKE) --no-print-directory bench \
	  ARGS="$(ARGS) --out $(B)/bench-results/$$n" || exit 1; done
	@$(PYTHON) bench/spread --page docs/manual/performance.md $(B)/bench-results/[123]

# What the authority issues in a second, with an empty store and with a million certificates: under
# two minutes.
bench-authority: packages-build aws-lc $(B)/build.ninja
	@$(NINJA) countersign bench/bench-issue bench/bench-fill
	@$(PYTHON) bench/authority --page docs/manual/authority.md $(ARGS) $(B)

bench-peers: packages-bench
	@test $(PACKAGES) = no || bench/fetch

clean:
	rm -rf build build-openssl build-awslc build-san build-openssl-san build-awslc-san build-fuzz

$(B)/build.ninja: | packages-build aws-lc
	@echo "configuring $(B)"
	@meson setup $(B) -Dtls=$(TLS) $(if $(SAN),$(SANITIZERS)) >/dev/null || \
	  { cat $(B)/meson-logs/meson-log.txt; rm -rf $(B); exit 1; }

packages-%:
	@test $(PACKAGES) = no || TLS=$(TLS) tools/provide-packages $*

# Somebody else's linter of certificates; the tests that ask it are skipped when it cannot be had.
zlint: packages-check
	@test $(PACKAGES) = no || tools/provide-zlint >/dev/null || true

aws-lc: packages-build
	@test $(TLS) = openssl || deps/aws-lc/provide >/dev/null || { test $(TLS) = auto && \
	  echo "AWS-LC cannot be had (the reason is above): using the system's OpenSSL"; }

.PHONY: build demo check check-long install fuzz bench bench-quick bench-page \
  bench-authority bench-spread bench-peers clean aws-lc zlint
.NOTPARALLEL: # ninja is parallel; packages are installed one run at a time
