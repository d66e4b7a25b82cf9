#include "db/ticket.h"
#include "base/alloc.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { DOOR = 0, FIRST = 1, PATIENCE_MS = 1000, NAP_MOST_US = 1000 };

mlplat_status mlp_ticket_init(mlp_ticket *ticket, const char *path, const char *store, mlplat_error *err)
{
    *ticket = (mlp_ticket){.path = mlp_strdup(path), .store = mlp_strdup(store)};
    return (ticket->path || !path) && ticket->store ? MLPLAT_OK : mlp_fail_memory(err);
}

int mlp_ticket_file(const char *path, const char *store)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int fd = mlp_sys.open(AT_FDCWD, path, flags, 0);
    if (fd != -1 || errno != ENOENT || stat(store, &st) == -1)
        return fd;
    fd = mlp_sys.open(AT_FDCWD, path, flags | O_CREAT | O_EXCL, 0600);
    if (fd == -1)
        return errno == EEXIST ? mlp_sys.open(AT_FDCWD, path, flags, 0) : -1;
    fchmod(fd, st.st_mode & 0666);
    return fd;
}

/* At first need, and again later when its folder was not there yet. */
static bool is_open(mlp_ticket *ticket)
{
    if (!ticket->fd && ticket->path)
        ticket->fd = mlp_ticket_file(ticket->path, ticket->store) + 1;
    return ticket->fd > 0;
}

static mlplat_status nap(const mlp_wait *since, mlp_wait *wait, bool *patient, mlplat_error *err)
{
    *patient = mlp_wait_ms(since) < PATIENCE_MS;
    mlplat_status s = *patient ? mlp_wait_nap(wait, err) : MLPLAT_OK;
    if (wait->nap_us > NAP_MOST_US) /* a turn is short: stay awake for it */
        wait->nap_us = NAP_MOST_US;
    return s;
}

/* Through the door one at a time, so that no two take the same place. */
static mlplat_status line_up(mlp_ticket *ticket, const mlp_wait *since, mlp_wait *wait, mlplat_error *err)
{
    const int fd = ticket->fd - 1;
    mlplat_status s = MLPLAT_OK;
    bool patient = true;
    off_t place = FIRST, at;
    while (mlp_sys.lock(fd, DOOR, false) != 0) {
        if (errno != EAGAIN)
            return MLPLAT_OK;
        s = nap(since, wait, &patient, err);
        if (s != MLPLAT_OK || !patient)
            return s;
    }
    while (mlp_sys.locked(fd, place, 0, &at) == 1)
        place = at + 1;
    if (mlp_sys.lock(fd, place, false) == 0)
        ticket->place = place;
    mlp_sys.unlock(fd, DOOR);
    return s;
}

static bool is_our_turn(mlp_ticket *ticket, off_t *at)
{
    if (ticket->passed >= ticket->place) /* the queue was empty in between */
        ticket->passed = 0;
    off_t from = ticket->passed ? ticket->passed + 1 : FIRST;
    return from >= ticket->place || mlp_sys.locked(ticket->fd - 1, from, ticket->place - from, at) != 1;
}

mlplat_status mlp_ticket_take(mlp_ticket *ticket, mlp_wait *wait, mlplat_error *err)
{
    if (!is_open(ticket))
        return MLPLAT_OK;
    mlp_wait since = mlp_wait_begin(NULL, wait->what, 0);
    bool patient = true;
    off_t at = 0;
    mlplat_status s = line_up(ticket, &since, wait, err);
    while (s == MLPLAT_OK && patient && ticket->place && !is_our_turn(ticket, &at))
        s = nap(&since, wait, &patient, err);
    if (!patient)
        ticket->passed = at;
    return s;
}

bool mlp_ticket_wanted(const mlp_ticket *ticket)
{
    off_t at;
    return ticket->place && mlp_sys.locked(ticket->fd - 1, ticket->place + 1, 0, &at) == 1;
}

void mlp_ticket_give(mlp_ticket *ticket)
{
    if (ticket->place)
        mlp_sys.unlock(ticket->fd - 1, ticket->place);
    ticket->place = 0;
}

void mlp_ticket_free(mlp_ticket *ticket)
{
    if (ticket->fd > 0)
        mlp_sys.close(ticket->fd - 1);
    mlp_free(ticket->path);
    mlp_free(ticket->store);
    *ticket = (mlp_ticket){0};
}
