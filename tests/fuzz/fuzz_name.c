/* Names from elsewhere, below a root: what is opened lies below it, whichever way the system opens it. Input: a byte
 * for the flags, then the name. */
#include "base/os.h"
#include "base/text.h"
#include "fuzz_folder.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char *root;
static int root_fd;
static mlp_os by_parts; /* a system without openat2 */

static int no_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    (void)dirfd;
    (void)path;
    (void)flags;
    (void)mode;
    errno = ENOSYS;
    return -1;
}

static void make(const char *name, const char *target)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (target)
        fuzz_check(symlink(target, path) == 0);
    else if (name[strlen(name) - 1] == '/')
        fuzz_check(mkdir(path, 0700) == 0);
    else
        fuzz_check(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
}

/* Files, folders, links inside and outside, and names that are others once they are decoded. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    (void)argc;
    (void)argv;
    root = fuzz_folder();
    make("f", NULL);
    make("d/", NULL);
    make("d/f", NULL);
    make("d/d/", NULL);
    make("d/d/f", NULL);
    make("%2e%2e", NULL);
    make("..f", NULL);
    make("out", "/etc/passwd");
    make("up", "..");
    make("d/l", "f");
    make("etc", "/etc");
    fuzz_check(mlp_file_open_root(root, false, &root_fd, &err) == MLPLAT_OK);
    by_parts = *mlp_os_default();
    by_parts.open_beneath = no_open_beneath;
    return 0;
}

/* What no name that is taken may be, by other means than the library's. */
static void check_clean(const char *name)
{
    size_t n = strlen(name), part = 0;
    fuzz_check(n > 0 && n < 4096 && mlp_text_utf8(name, n));
    fuzz_check(!(isalpha((unsigned char)name[0]) && name[1] == ':'));
    for (size_t i = 0; i <= n; i++) {
        unsigned char c = (unsigned char)name[i];
        fuzz_check(i == n || (c >= 0x20 && c != 0x7f && c != '\\'));
        if (i < n && c != '/')
            continue;
        size_t length = i - part;
        fuzz_check(length > 0 && length < 256 && strncmp(name + part, ".", length) != 0);
        fuzz_check(length != 2 || strncmp(name + part, "..", 2) != 0);
        part = i + 1;
    }
}

/* Clean in every stage of being decoded. */
static void check_decoded(const char *name)
{
    char *now = strdup(name);
    for (bool changed = true; changed;) {
        char *next = mlp_text_unpercent(now);
        check_clean(now);
        changed = strcmp(next, now) != 0;
        free(now);
        now = strdup(next);
        free(next);
    }
    free(now);
}

static void check_below(int fd)
{
    char link[64], path[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    fuzz_check(n > 0);
    path[n] = 0;
    fuzz_check(strncmp(path, root, strlen(root)) == 0 && path[strlen(root)] == '/');
}

static mlplat_status try_open(const char *name, int flags, const mlp_os *os, mlplat_error *err)
{
    int fd = -1;
    mlp_os_replace(os);
    mlplat_status s = mlp_file_open_beneath(root_fd, name, flags, 0600, &fd, err);
    mlp_os_replace(NULL);
    fuzz_check(s == MLPLAT_OK ? fd != -1 : fd == -1 && fuzz_refused(s, err));
    if (s == MLPLAT_OK) {
        check_below(fd);
        close(fd);
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    int flags = fuzz_byte(&in) % 2 ? O_RDONLY | O_DIRECTORY : O_RDONLY;
    char *name = fuzz_text(&in);
    mlplat_status s = mlp_file_check_relative(name, "name", err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err)));
    if (s == MLPLAT_OK) {
        check_decoded(name);
        mlplat_status one = try_open(name, flags, NULL, err), two = try_open(name, flags, &by_parts, err);
        fuzz_check(one == two);
    } else {
        fuzz_check(try_open(name, flags, NULL, err) == MLPLAT_INVALID);
    }
    free(name);
    return 0;
}
