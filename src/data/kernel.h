/* kernel.h: the shapes of loops that numeric kernels are made of.
 *
 * Inside data/ only. A two-argument kernel has four loops: both columns, either side one value, and
 * the one by selection. Where most rows are selected the loop runs over all physical rows: what it makes of
 * the others is never looked at, and such a loop is vectorised. So the expression must be total: no trap, no
 * pointer of a row that was not asked for.   Layer: data.
 */
#ifndef QW_DATA_KERNEL_H
#define QW_DATA_KERNEL_H

#include "data/call.h"

/* The physical kinds that are compared and computed as C numbers. */
#define PHYS_NUMBERS(X)                                                                            \
    X(BOOL, uint8_t)                                                                               \
    X(I32, int32_t)                                                                                \
    X(I64, int64_t)                                                                                \
    X(I128, i128)                                                                                  \
    X(F32, float)                                                                                  \
    X(F64, double)

static inline bool call_dense(const struct call *c)
{
    return !c->sel || c->count * 4u >= c->rows;
}

/* static void name(const struct call *c): out = expression of x and y. */
#define KERNEL2(name, T, R, expression)                                                            \
    static void name(const struct call *c)                                                         \
    {                                                                                              \
        const T *restrict a = c->args[0].col.data, *restrict b = c->args[1].col.data;              \
        R *restrict out = c->data;                                                                 \
        const bool ca = c->args[0].constant, cb = c->args[1].constant;                             \
        const uint32_t rows = c->rows;                                                             \
        if (!call_dense(c)) {                                                                      \
            for (uint32_t k = 0; k < c->count; k++) {                                              \
                const uint32_t r = c->sel[k];                                                      \
                const T x = a[ca ? 0 : r], y = b[cb ? 0 : r];                                      \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        } else if (ca) {                                                                           \
            const T x = a[0];                                                                      \
            for (uint32_t r = 0; r < rows; r++) {                                                  \
                const T y = b[cb ? 0 : r];                                                         \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        } else if (cb) {                                                                           \
            const T y = b[0];                                                                      \
            for (uint32_t r = 0; r < rows; r++) {                                                  \
                const T x = a[r];                                                                  \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t r = 0; r < rows; r++) {                                                  \
                const T x = a[r], y = b[r];                                                        \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        }                                                                                          \
    }

/* static void name(const struct call *c): out = expression of x. */
#define KERNEL1(name, T, R, expression)                                                            \
    static void name(const struct call *c)                                                         \
    {                                                                                              \
        const T *restrict a = c->args[0].col.data;                                                 \
        R *restrict out = c->data;                                                                 \
        if (!call_dense(c)) {                                                                      \
            for (uint32_t k = 0; k < c->count; k++) {                                              \
                const uint32_t r = c->sel[k];                                                      \
                const T x = a[c->args[0].constant ? 0 : r];                                        \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        } else if (c->args[0].constant) {                                                          \
            const T x = a[0];                                                                      \
            for (uint32_t r = 0; r < c->rows; r++)                                                 \
                out[r] = (R)(expression);                                                          \
        } else {                                                                                   \
            for (uint32_t r = 0; r < c->rows; r++) {                                               \
                const T x = a[r];                                                                  \
                out[r] = (R)(expression);                                                          \
            }                                                                                      \
        }                                                                                          \
    }

#endif
