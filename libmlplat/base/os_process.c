/* What a process knows of itself and its surroundings. */
#include "base/alloc.h"
#include "base/os.h"
#include "base/os_platform.h"
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void mlp_os_process_name(char out[64])
{
    snprintf(out, 64, "%ld-%" PRId64 "-%lld", (long)getpid(), mlp_os_start_time(getpid()), mlp_os_platform_namespace());
}

void mlp_os_boot_id(unsigned char out[16])
{
    char text[64];
    size_t at = 0;
    memset(out, 0, 16);
    mlp_os_platform_boot(text, sizeof text);
    for (const char *digit = text; at < 16 && digit[0] && digit[1]; digit += 2) {
        unsigned byte;
        digit += *digit == '-';
        if (sscanf(digit, "%2x", &byte) != 1)
            break;
        out[at++] = (unsigned char)byte;
    }
}

const char *mlp_os_fs_kind(int dirfd)
{
    return mlp_sys.fs_kind(dirfd);
}

const char *mlp_os_user(char *out, size_t n)
{
    static const char *const names[] = {"LOGNAME", "USER", "LNAME", "USERNAME"};
    const char *user = NULL;
    struct passwd entry, *found = NULL;
    char strings[2048];
    for (size_t i = 0; !user && i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        user = value && *value ? value : NULL;
    }
    if (!user && getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0 && found)
        user = found->pw_name;
    if (n)
        snprintf(out, n, "%s", user ? user : "");
    return n ? out : "";
}

/*
 * The fork guard: a page that a forked child finds zeroed. The kernel does it where it can; else the child's handler
 * walks a list, the one thing here that belongs to the process: fork does too.
 */
typedef struct guard_page {
    unsigned char alive;
    bool listed;
    struct guard_page *next;
} guard_page;

static struct {
    pthread_mutex_t lock;
    guard_page *first;
    bool registered;
} guards = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void guards_lock(void)
{
    pthread_mutex_lock(&guards.lock);
}

static void guards_unlock(void)
{
    pthread_mutex_unlock(&guards.lock);
}

static void guards_wipe(void)
{
    for (guard_page *page = guards.first; page; page = page->next)
        page->alive = 0;
    guards_unlock();
}

static bool guards_add(guard_page *page)
{
    guards_lock();
    if (!guards.registered)
        guards.registered = pthread_atfork(guards_lock, guards_unlock, guards_wipe) == 0;
    bool listed = guards.registered;
    if (listed) {
        page->listed = true;
        page->next = guards.first;
        guards.first = page;
    }
    guards_unlock();
    return listed;
}

static void guards_remove(guard_page *page)
{
    guards_lock();
    for (guard_page **at = &guards.first; *at; at = &(*at)->next)
        if (*at == page) {
            *at = page->next;
            break;
        }
    guards_unlock();
}

void *mlp_os_fork_guard(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    guard_page *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    page->alive = 1;
    if (mlp_sys.wipe_on_fork(page, size) == -1 && !guards_add(page)) {
        munmap(page, size);
        return NULL;
    }
    return page;
}

void mlp_os_fork_guard_free(void *guard)
{
    guard_page *page = guard;
    if (!page)
        return;
    if (page->listed) /* not so in a child whose page the kernel has wiped: the lock may be held there for ever */
        guards_remove(page);
    munmap(guard, (size_t)sysconf(_SC_PAGESIZE));
}
