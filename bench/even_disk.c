/* Preloaded: a sync takes 85 us, as on an idle disk, whatever the disk is busy with. The files are in memory. */
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    static const struct timespec sync = { .tv_nsec = 85000 };
    (void)fd;
    prctl(PR_SET_TIMERSLACK, 1L); /* of this thread: else a sleep takes 50 us more */
    nanosleep(&sync, NULL);
    return 0;
}
