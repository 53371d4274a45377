/* exact_sum.h: sums of doubles that do not depend on the order of what is summed.
 *
 * A fixed-point number of 320 bits whose place moves with the data. As long as the magnitudes of what is
 * added span less than 2^200 (10^60) and fewer than 2^63 values are added, the sum is exact and its one
 * rounding (half to even) is at the end: any order, any merge of parts and any retraction give
 * the same bits. Beyond that span bits below 2^-200 of the largest magnitude may be dropped: the
 * relative error is then below n * 2^-199, and the result may depend on the order.
 *
 * Plain memory: may be copied and written to a checkpoint.   Layer: data.
 */
#ifndef QW_DATA_EXACT_SUM_H
#define QW_DATA_EXACT_SUM_H

#include <stdint.h>

enum { EXACT_LIMBS = 5 };

struct exact_sum {
    uint64_t limbs[EXACT_LIMBS]; /* two's complement, the lowest first */
    int32_t base;                /* the lowest bit's weight is 2^(64 * base) */
    int32_t used;                /* 0: nothing was added yet, base is free */
    int32_t positive_infinities, negative_infinities, nans, pad;
};

/* Zeros are an empty sum. */
void exact_sum_add(struct exact_sum *sum, double v, int weight); /* weight +1 or -1 */
void exact_sum_merge(struct exact_sum *sum, const struct exact_sum *other);
double exact_sum_value(const struct exact_sum *sum);

#endif
