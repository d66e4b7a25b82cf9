/* Every call of the library through its table of system calls fails once in whole scenarios, and writes are cut short.
 * A call that is interrupted is repeated within the table, so EINTR is tried below it, with strace. */
#include "faults/sweep.h"
#include "support/fault_os.h"
#include "support/support.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { MOST = 1 };
#else
enum { MOST = 4 };
#endif

static int errnum;
static bool short_writes;
static long points;

static void arm(long nth)
{
    fault_os_begin((size_t)nth, errnum, short_writes);
}

static long disarm(void)
{
    return (long)fault_os_end();
}

/* Statuses that say what the system said. */
static bool says_system(mlplat_status status)
{
    switch (errnum) {
    case ENOSPC:
        return status == MLPLAT_NO_SPACE;
    case EACCES:
        return status == MLPLAT_DENIED;
    default:
        return status == MLPLAT_IO;
    }
}

static void a_failed_system_call_is_told_and_loses_nothing(void **state)
{
    static const struct {
        const char *name;
        int errnum;
    } errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"EACCES", EACCES}};
    const scenario *s = *state;
    long of_scenario = 0;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        sweep_fault fault = {.name = errors[i].name, .arm = arm, .disarm = disarm, .truthful = says_system,
                             .leaves_files = true};
        sweep_result r;
        errnum = errors[i].errnum;
        short_writes = i % 2;
        sweep_run(s, &fault, getenv("MLPLAT_HEAVY") ? 500 : MOST, &r);
        of_scenario += r.points;
        if (*r.complaint)
            fail_msg("%s", r.complaint);
        if (i == 3)
            printf("%-20s %5ld of %5ld calls\n", s->name, of_scenario, r.places * 4);
    }
    points += of_scenario;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[80];
    size_t n = 0;
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of syncs */
    for (size_t i = 0; scenario_at(i); i++)
        if (argc < 2 || strcmp(argv[1], scenario_at(i)->name) == 0)
            tests[n++] = (struct CMUnitTest){scenario_at(i)->name, a_failed_system_call_is_told_and_loses_nothing, NULL,
                                             NULL, (void *)scenario_at(i)};
    int failed = _cmocka_run_group_tests("table calls", tests, n, NULL, NULL);
    printf("%ld failed system calls were tried\n", points);
    return failed || (argc < 2 && points < 100); /* some scenarios leave all calls to SQLite: strace fails those */
}
