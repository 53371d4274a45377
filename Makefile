# How the tree is built. A source file takes part by being there: no list to keep.
# Used through ./dev build; `make KIND=asan` works as well.

KIND ?= release
B := build/$(KIND)
CC := gcc
CXX := g++
ifneq ($(shell command -v ccache 2>/dev/null),)
LAUNCH := ccache
endif

WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wundef -Wvla -Wimplicit-fallthrough -Wwrite-strings
CWARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
# -ffp-contract=off and no -ffast-math: results must be the same bits on every processor.
COMMON := -g -fPIC -fno-strict-aliasing -ffp-contract=off -fvisibility=hidden -fno-omit-frame-pointer \
          -D_GNU_SOURCE -Isrc -Itests -Iinclude -Ibuild/gen -MMD -MP
VERSION := 0.1.0
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

OPT_release := -O2 -ftree-vectorize -fvect-cost-model=dynamic
OPT_debug   := -O0 -DQW_SLOW_CHECKS
OPT_asan    := -O1 -DQW_SLOW_CHECKS -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -fsanitize=thread
# clang has its own kind so that both compilers' warnings are seen; fuzz uses clang's libFuzzer.
OPT_clang   := -O1
OPT_fuzz    := -O1 -DQW_SLOW_CHECKS -DQW_FUZZER -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
OPT_arm64   := $(OPT_release) -fsigned-char # as it is on x86-64
ifeq ($(KIND),arm64)
CC := aarch64-linux-gnu-gcc
CXX := aarch64-linux-gnu-g++
endif
ifneq ($(filter $(KIND),clang fuzz),)
CC := clang
CXX := clang++
endif
LINK_asan := -fsanitize=address,undefined
LINK_tsan := -fsanitize=thread
LINK_fuzz := -fsanitize=address,undefined

CFLAGS += -std=gnu17 $(CWARN) $(COMMON) $(OPT_$(KIND))
CXXFLAGS += -std=gnu++17 $(WARN) -Wno-unused-parameter -fno-exceptions $(COMMON) $(OPT_$(KIND))
LDLIBS := -llz4 -lzstd -lsnappy -lz -lxxhash -lsimdjson -lpcre2-8 -lutf8proc -lcrypto -lssl -lhiredis -lrabbitmq -lpq -lcurl -lrdkafka -lpthread -lm
CLI_LIBS := -ledit -ljansson

SRC := $(sort $(shell find src -name '*.c' -o -name '*.cc'))
CLI_SRC := $(wildcard src/app/cli/*.c) src/app/main.c
LIB_SRC := $(filter-out $(CLI_SRC),$(SRC))
LIB_OBJ := $(patsubst %,$(B)/%.o,$(LIB_SRC))
CLI_OBJ := $(patsubst %,$(B)/%.o,$(wildcard $(CLI_SRC)))
# a fuzz target is a unit test too, which replays its corpus (tests/lib/fuzz.h)
UNIT_SRC := $(sort $(shell find tests/unit tests/model tests/sim tests/lib tests/fuzz -name '*.c' 2>/dev/null))
UNIT_OBJ := $(patsubst %,$(B)/%.o,$(UNIT_SRC))
FUZZ_SRC := $(sort $(shell find tests/fuzz -name '*.c' 2>/dev/null))
# what fuzz targets may use of tests/lib: all but the two that run unit tests
FUZZ_LIB := $(patsubst %,$(B)/%.o,$(filter-out %/test.c %/fuzz.c,$(wildcard tests/lib/*.c)))
# programs of one file each, linked with the library's insides: benchmarks, load drivers, makers of queries
TOOL_SRC := $(sort $(shell find bench examples tests/clients tests/crash tests/golden tests/interop -name '*.c' 2>/dev/null))

GEN :=
-include src/*/*.mk src/*/*/*.mk

.DEFAULT_GOAL := all
.PHONY: all lib unit fuzz tools layers clean
all: layers $(B)/quickwater $(B)/libquickwater.so
lib: $(B)/libquickwater.a
unit: $(B)/unit
fuzz: $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
tools: $(patsubst %.c,$(B)/%,$(TOOL_SRC))

layers:
	@sh tools/lint/layers.sh

$(B)/libquickwater.a: $(LIB_OBJ)
	@rm -f $@; ar rcs $@ $^

$(B)/libquickwater.so: $(LIB_OBJ) include/quickwater.map
	@$(CXX) -shared -o $@ $(LIB_OBJ) $(LINK_$(KIND)) -Wl,--version-script=include/quickwater.map $(LDLIBS)

$(B)/quickwater: $(CLI_OBJ) $(B)/libquickwater.a
	@$(CXX) -o $@ $(CLI_OBJ) $(B)/libquickwater.a $(LINK_$(KIND)) $(LDLIBS) $(CLI_LIBS)
	@echo "built $@"

$(B)/unit: $(UNIT_OBJ) $(B)/libquickwater.a
	@$(CXX) -o $@ $(UNIT_OBJ) $(B)/libquickwater.a $(LINK_$(KIND)) $(LDLIBS)
	@echo "built $@"

$(B)/libtests.a: $(FUZZ_LIB)
	@rm -f $@; ar rcs $@ $^

$(B)/fuzz/%: $(B)/tests/fuzz/%.c.o $(B)/libtests.a $(B)/libquickwater.a
	@mkdir -p $(@D); $(CXX) -o $@ $< $(B)/libtests.a $(B)/libquickwater.a $(if $(filter fuzz,$(KIND)),-fsanitize=address$(comma)undefined$(comma)fuzzer) $(LDLIBS)
comma := ,

$(patsubst %.c,$(B)/%,$(TOOL_SRC)): $(B)/%: $(B)/%.c.o $(B)/libtests.a $(B)/libquickwater.a
	@$(CXX) -o $@ $< $(B)/libtests.a $(B)/libquickwater.a $(LINK_$(KIND)) $(LDLIBS) -ljansson

$(B)/%.c.o: %.c | $(GEN)
	@mkdir -p $(@D); $(LAUNCH) $(CC) $(CFLAGS) $(if $(filter %/version.c,$<),-DQW_VERSION='"$(VERSION)"' -DQW_COMMIT='"$(COMMIT)"') -c -o $@ $<

$(B)/%.cc.o: %.cc | $(GEN)
	@mkdir -p $(@D); $(LAUNCH) $(CXX) $(CXXFLAGS) -c -o $@ $<

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(patsubst %,$(B)/%.d,$(TOOL_SRC) tests/lib/child.c)
