/* A build without servers: its stores say themselves what they have. */
#include "spool/taken.h"

void mlp_taken_open(mlp_taken *t, int folder_fd, const char *journal)
{
    (void)folder_fd, (void)journal;
    *t = (mlp_taken){0};
}

void mlp_taken_close(mlp_taken *t)
{
    (void)t;
}

uint64_t mlp_taken_of(const mlp_taken *t, const mlp_record *r)
{
    (void)t, (void)r;
    return 0;
}

void mlp_taken_note(mlp_taken *t, const mlp_record *r)
{
    (void)t, (void)r;
}

void mlp_taken_done(mlp_taken *t, uint64_t seq)
{
    (void)t, (void)seq;
}

void mlp_taken_sync(mlp_taken *t)
{
    (void)t;
}

void mlp_taken_asks(mlp_taken *t, bool begin)
{
    (void)t, (void)begin;
}

int64_t mlp_taken_cools_ms(const mlp_taken *t)
{
    (void)t;
    return 0;
}
