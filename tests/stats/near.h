/* Numbers that are equal but for their last digits. */
#ifndef STATS_NEAR_H
#define STATS_NEAR_H
#include "support/support.h"
#include <math.h>
#include <stdbool.h>

/* |got - want| <= relative |want|, or both NaN. Names what was computed, by its arguments' text. */
static inline void check_near(const char *what, double got, double want, double relative)
{
    bool same = isnan(want) ? isnan(got) : got == want || fabs(got - want) <= relative * fabs(want);
    if (!same)
        fail_msg("%s: %.17g, not %.17g", what, got, want);
}
#define assert_near(got, want, relative) check_near(#got, got, want, relative)

#endif
