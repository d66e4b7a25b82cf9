/* Puts a fault into the library's system calls, as it is shipped: the Nth call that can fail does. */
#ifndef TEST_FAULT_OS_H
#define TEST_FAULT_OS_H
#include <stdbool.h>
#include <stddef.h>

/* From now on call number fail_at (1: the next one) fails with errnum; 0: none does, of any thread. With
 * short_writes every write takes at most 7 bytes. */
void fault_os_begin(size_t fail_at, int errnum, bool short_writes);
/* Brings the real calls back; returns how many there were. */
size_t fault_os_end(void);
/* openat2 answers ENOSYS, as on an old kernel, until fault_os_end. */
void fault_os_without_openat2(void);

#endif
