/* Allocations of the library and of jansson that fail by their number. */
#ifndef SCARCE_MEMORY_H
#define SCARCE_MEMORY_H
#include <stdbool.h>

/* Memory comes through here, where none fails yet: the library's own alone, or jansson's too; or from libc again. */
void scarce_memory_on(void);
void scarce_memory_on_all(void);
void scarce_memory_off(void);
/* After n more allocations of this thread, or of any thread, one fails; those behind it do not. */
void scarce_memory_arm(long n);
void scarce_memory_arm_any(long n);
/* None fails any more. @return whether one did */
bool scarce_memory_disarm(void);
/* All of it on and armed, for what this thread does until the end of it. */
void scarce_memory_begin(long n);
bool scarce_memory_end(void);

#endif
