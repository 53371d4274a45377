/* fuzz.h: a fuzz target is registered by writing it.
 *
 *     FUZZ(ws_frame, data, size) { … }          in tests/fuzz/ws_frame.c
 *
 * In the fuzz build it is libFuzzer's entry; `./dev fuzz ws_frame` feeds it. In every other build it is
 * the unit test `corpus_ws_frame`, which feeds it each file of tests/fuzz/corpus/ws_frame: what once
 * broke a decoder is tried by every `./dev test`. The name must be the file's.
 */
#ifndef QW_TESTS_FUZZ_H
#define QW_TESTS_FUZZ_H

#include "lib/test.h"

typedef void fuzz_fn(const uint8_t *data, size_t size);

/* Each file of NAME's corpus and the empty input; FUZZ_INPUT=FILE in the environment: that one alone. */
void fuzz_replay(const char *name, fuzz_fn *target);

#ifdef QW_FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ(id, data, size)                                                                       \
    static void fuzz_##id(const uint8_t *data, size_t size);                                       \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        fuzz_##id(data, size);                                                                     \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz_##id(const uint8_t *data, size_t size)
#else
#define FUZZ(id, data, size)                                                                       \
    static void fuzz_##id(const uint8_t *data, size_t size);                                       \
    TEST(corpus_##id)                                                                              \
    {                                                                                              \
        fuzz_replay(#id, fuzz_##id);                                                               \
    }                                                                                              \
    static void fuzz_##id(const uint8_t *data, size_t size)
#endif

#endif
