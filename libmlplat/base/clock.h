/* Time. */
#ifndef MLP_CLOCK_H
#define MLP_CLOCK_H
#include <stdint.h>

int64_t mlp_clock_ms(void);      /* milliseconds since 1970 */
int64_t mlp_clock_mono_ns(void); /* nanoseconds, never back */
void mlp_clock_sleep_ms(int64_t ms);

#endif
