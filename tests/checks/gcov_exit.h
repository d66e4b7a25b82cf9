/* Put before every file of the coverage build: a child that leaves by _exit writes down what it ran, too, and no
 * child shares its parent's memory: what gcov does before an exec would tell the parent that all is written down. */
#include <unistd.h>
void __gcov_dump(void);
static inline __attribute__((noreturn, unused)) void gcov_exit(int code)
{
    __gcov_dump();
    _exit(code);
}
#define _exit gcov_exit
#define vfork fork
