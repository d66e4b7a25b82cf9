#include "db/ticket.h"
#include "base/alloc.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { NEXT = 0, HOLDER = 1, PATIENCE_MS = 1000 };

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

/* *got false: no luck in the time given. */
static mlplat_status lock_byte(const mlp_ticket *ticket, off_t at, const mlp_wait *since, mlp_wait *wait, bool *got,
                               mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    while (!(*got = mlp_sys.lock(ticket->fd - 1, at, false) == 0)) {
        if (errno != EAGAIN || mlp_wait_ms(since) >= PATIENCE_MS)
            break;
        if ((s = mlp_wait_nap(wait, err)) != MLPLAT_OK)
            break;
        if (wait->nap_us > 1000) /* a turn is short: stay awake for it */
            wait->nap_us = 1000;
    }
    return s;
}

mlplat_status mlp_ticket_take(mlp_ticket *ticket, mlp_wait *wait, mlplat_error *err)
{
    bool next = false;
    if (!is_open(ticket))
        return MLPLAT_OK;
    const mlp_wait since = mlp_wait_begin(NULL, wait->what, 0);
    mlplat_status s = lock_byte(ticket, NEXT, &since, wait, &next, err);
    if (s == MLPLAT_OK && next)
        s = lock_byte(ticket, HOLDER, &since, wait, &ticket->held, err);
    if (next)
        mlp_sys.unlock(ticket->fd - 1, NEXT);
    return s;
}

bool mlp_ticket_wanted(const mlp_ticket *ticket)
{
    if (!ticket->held)
        return false;
    if (mlp_sys.lock(ticket->fd - 1, NEXT, false) != 0)
        return errno == EAGAIN;
    mlp_sys.unlock(ticket->fd - 1, NEXT);
    return false;
}

void mlp_ticket_give(mlp_ticket *ticket)
{
    if (ticket->held)
        mlp_sys.unlock(ticket->fd - 1, HOLDER);
    ticket->held = false;
}

void mlp_ticket_free(mlp_ticket *ticket)
{
    if (ticket->fd > 0)
        mlp_sys.close(ticket->fd - 1);
    mlp_free(ticket->path);
    mlp_free(ticket->store);
    *ticket = (mlp_ticket){0};
}
