/* The most memory that a program of the bench had. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H
#include <stdio.h>

/* Of this program alone: what getrusage tells is at least what its parent had. */
static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

#endif
