#include "spool/segment.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "spool/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKED ".mlz"

void mlp_segment_name(uint64_t number, bool packed, char out[40])
{
    snprintf(out, 40, "%016" PRIu64 "%s", number, packed ? PACKED : ".mls");
}

bool mlp_segment_named(const char *name)
{
    return mlp_text_ends(name, ".mls") || mlp_text_ends(name, PACKED);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* Zeros by write, not by fallocate: writing into fresh extents makes the file system stall the mapping. */
static mlplat_status write_range(int fd, const unsigned char *from, size_t at, size_t end, mlplat_error *err)
{
    static unsigned char zeros[32768]; /* never written; const would make it a part of the file */
    while (at < end) {
        size_t n = from || end - at < sizeof zeros ? end - at : sizeof zeros;
        ssize_t done = mlp_sys.pwrite(fd, from ? from + at : zeros, n, (off_t)at);
        if (done <= 0)
            return mlp_fail_errno(err, done == 0 ? ENOSPC : errno, "a journal segment cannot be written");
        at += (size_t)done;
    }
    return MLPLAT_OK;
}

static mlplat_status sync_new(int fd, int folder_fd, mlplat_error *err)
{
    if (mlp_sys.fdatasync(fd) == -1 || mlp_sys.fsync(folder_fd) == -1)
        return mlp_fail_errno(err, errno, "a new journal segment cannot be brought to the disk");
    return MLPLAT_OK;
}

static void touch_pages(unsigned char *base, size_t n)
{
    for (size_t at = 0; at < n; at += 4096) {
        volatile unsigned char *byte = base + at;
        *byte = *byte; /* a write fault now, by the delivery thread, instead of one in a logging call */
    }
}

static mlplat_status give_memory(mlp_segment *s, mlplat_error *err)
{
    if (s->kind == MLP_SEGMENT_MAPPED) {
        s->base = mlp_sys.mmap(s->cap, s->fd, 0);
        if (!s->base)
            return mlp_fail_errno(err, errno, "a journal segment cannot be mapped");
        touch_pages(s->base, s->cap);
        return MLPLAT_OK;
    }
    s->base = mlp_alloc(s->cap);
    return s->base ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status make_file(mlp_segment *s, int folder_fd, bool synced, mlplat_error *err)
{
    char name[40];
    mlp_segment_name(s->number, false, name);
    s->fd = mlp_sys.open(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (s->fd == -1)
        return mlp_fail_errno(err, errno, "journal segment %s cannot be made", name);
    fchmod(s->fd, 0600); /* whatever the umask */
    mlplat_status status = write_range(s->fd, NULL, 0, s->cap, err);
    if (status == MLPLAT_OK && synced)
        status = sync_new(s->fd, folder_fd, err);
    return status;
}

mlplat_status mlp_segment_make(mlp_segment_kind kind, int folder_fd, uint64_t number, size_t cap, bool synced,
                               mlp_segment **out, mlplat_error *err)
{
    mlp_segment *s = mlp_alloc(sizeof *s);
    *out = NULL;
    if (!s)
        return mlp_fail_memory(err);
    *s = (mlp_segment){.kind = kind, .number = number, .fd = -1, .cap = cap};
    s->disk = kind == MLP_SEGMENT_MEMORY ? 0 : cap;
    mlplat_status status = kind == MLP_SEGMENT_MEMORY ? MLPLAT_OK : make_file(s, folder_fd, synced, err);
    if (status == MLPLAT_OK)
        status = give_memory(s, err);
    if (status == MLPLAT_OK)
        *out = s;
    else
        mlp_segment_drop(s, s->fd == -1 ? -1 : folder_fd);
    return status;
}

/* ---- a life ------------------------------------------------------------------------------------------------------ */

void mlp_segment_begin(mlp_segment *s, const mlp_segment_head *head)
{
    mlp_frame_head_put(s->base, head);
    s->salt = head->salt;
    s->end = MLP_SEGMENT_HEAD;
    s->written = 0;
    s->records = 0;
    s->first_seq = head->first_seq;
    s->last_seq = 0;
    s->sealed = s->poisoned = s->reloaded = s->damaged = s->held = false;
    s->next = NULL;
    atomic_store_explicit(&s->ready, MLP_SEGMENT_HEAD, memory_order_release);
}

void mlp_segment_blank(mlp_segment *s)
{
    mlp_frame_head_clear(s->base);
}

/* Not for the caller to wait for, nor to fail. */
static void write_mark(const mlp_segment *s)
{
    unsigned char mark[MLP_FRAME_MARK];
    if (s->cap - s->written < sizeof mark)
        return;
    mlp_frame_mark(mark, (uint32_t)s->written, s->salt);
    (void)mlp_sys.pwrite(s->fd, mark, sizeof mark, (off_t)s->written);
}

mlplat_status mlp_segment_write(mlp_segment *s, size_t to, bool synced, mlplat_error *err)
{
    mlplat_status status = write_range(s->fd, s->base, s->written, to, err);
    if (status == MLPLAT_OK && synced && mlp_sys.fdatasync(s->fd) == -1)
        status = mlp_fail_errno(err, errno, "the journal cannot be brought to the disk");
    if (status != MLPLAT_OK)
        return status;
    s->written = to;
    if (synced)
        write_mark(s);
    return MLPLAT_OK;
}

void mlp_segment_wipe(mlp_segment *s, size_t from)
{
    if (s->kind == MLP_SEGMENT_WRITTEN && s->fd != -1 && from < s->end)
        (void)write_range(s->fd, NULL, from, s->end, NULL);
}

/* ---- memory and descriptor --------------------------------------------------------------------------------------- */

void mlp_segment_rest(mlp_segment *s)
{
    if (s->base && s->kind == MLP_SEGMENT_MAPPED)
        mlp_sys.munmap(s->base, s->cap);
    else
        mlp_free(s->base);
    s->base = NULL;
}

mlplat_status mlp_segment_wake(mlp_segment *s, mlplat_error *err)
{
    return s->base ? MLPLAT_OK : give_memory(s, err);
}

static void give_back(mlp_segment *s)
{
    mlp_segment_rest(s);
    if (s->fd != -1)
        mlp_sys.close(s->fd);
    s->fd = -1;
}

bool mlp_segment_in_file(const mlp_segment *s)
{
    if (s->kind == MLP_SEGMENT_MEMORY || !s->sealed || s->poisoned)
        return false; /* what is not sealed is written without the lock */
    return s->kind == MLP_SEGMENT_MAPPED || s->reloaded || s->written == s->end;
}

void mlp_segment_unload(mlp_segment *s)
{
    give_back(s);
}

static mlplat_status read_all(int fd, unsigned char *to, size_t n, size_t *got, mlplat_error *err)
{
    for (*got = 0; *got < n;) {
        ssize_t done = mlp_sys.pread(fd, to + *got, n - *got, (off_t)*got);
        if (done < 0)
            return mlp_fail_errno(err, errno, "a journal segment cannot be read");
        if (done == 0)
            break;
        *got += (size_t)done;
    }
    return MLPLAT_OK;
}

static mlplat_status read_file(int folder_fd, const char *name, size_t least, unsigned char **out, size_t *size,
                               mlplat_error *err)
{
    struct stat st;
    *out = NULL;
    *size = 0;
    int fd = mlp_sys.open(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd == -1 && errno == ELOOP)
        return mlp_fail(err, MLPLAT_CORRUPT, "journal segment %s is a link", name);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "journal segment %s cannot be opened", name);
    mlplat_status status = MLPLAT_OK;
    if (mlp_sys.fstat(fd, &st) == -1)
        status = mlp_fail_errno(err, errno, "journal segment %s", name);
    else if (!S_ISREG(st.st_mode) || st.st_size > (off_t)MLP_SEGMENT_MAX)
        status = mlp_fail(err, MLPLAT_CORRUPT, "journal segment %s is not a file of ours", name);
    else if (!(*out = mlp_alloc((size_t)st.st_size > least ? (size_t)st.st_size : least + 1)))
        status = mlp_fail_memory(err);
    if (status == MLPLAT_OK)
        status = read_all(fd, *out, (size_t)st.st_size, size, err);
    mlp_sys.close(fd);
    if (status != MLPLAT_OK) {
        mlp_free(*out);
        *out = NULL;
    }
    return status;
}

mlplat_status mlp_segment_read(int folder_fd, const char *name, size_t least, unsigned char **out, size_t *size,
                               mlplat_error *err)
{
    unsigned char *packed = NULL;
    size_t n = 0;
    if (!mlp_text_ends(name, PACKED))
        return read_file(folder_fd, name, least, out, size, err);
    *out = NULL;
    *size = 0;
    mlplat_status status = read_file(folder_fd, name, 0, &packed, &n, err);
    if (status == MLPLAT_OK)
        status = mlp_pack_open(packed, n, least, out, size, err);
    mlp_free(packed);
    return status;
}

mlplat_status mlp_segment_load(mlp_segment *s, int folder_fd, mlplat_error *err)
{
    char name[40];
    size_t got = 0;
    if (s->base)
        return MLPLAT_OK;
    mlp_segment_name(s->number, s->packed, name);
    unsigned char *bytes = NULL;
    mlplat_status status = mlp_segment_read(folder_fd, name, s->cap, &bytes, &got, err);
    if (status == MLPLAT_OK) { /* if somebody cut it, what is left is delivered */
        s->base = bytes;
        s->kind = MLP_SEGMENT_WRITTEN; /* its bytes are a copy now; it is sealed, so nothing is written any more */
        s->reloaded = true;
    }
    return status;
}

bool mlp_segment_drop(mlp_segment *s, int folder_fd)
{
    char name[40];
    bool gone = s->kind == MLP_SEGMENT_MEMORY;
    for (int packed = s->packed; !gone && packed >= 0 && folder_fd != -1; packed--) { /* of a packed one both */
        mlp_segment_name(s->number, packed, name);
        if (mlp_sys.unlink(folder_fd, name, 0) == -1 && errno != ENOENT)
            break;
        gone = packed == 0;
    }
    give_back(s);
    mlp_free(s);
    return gone;
}

void mlp_segment_forget(mlp_segment *s)
{
    if (s && s->kind != MLP_SEGMENT_MAPPED)
        mlp_free(s->base);
    mlp_free(s);
}

/* ---- whole files ------------------------------------------------------------------------------------------------ */

/* Under a name that is no segment's, until it is whole. */
static mlplat_status write_fresh(int folder_fd, const char *name, const void *bytes, size_t n, bool synced,
                                 mlplat_error *err)
{
    mlp_sys.unlink(folder_fd, name, 0);
    int fd = mlp_sys.open(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "journal segment %s cannot be made", name);
    fchmod(fd, 0600);
    mlplat_status status = mlp_file_write_all(fd, bytes, n, err);
    if (status == MLPLAT_OK && synced && mlp_sys.fsync(fd) == -1)
        status = mlp_fail_errno(err, errno, "journal segment %s cannot be brought to the disk", name);
    mlp_sys.close(fd);
    return status;
}

mlplat_status mlp_segment_replace(int folder_fd, const char *name, const void *bytes, size_t n, mlplat_error *err)
{
    char plain[40], fresh[48];
    mlp_segment_name(strtoull(name, NULL, 10), false, plain);
    snprintf(fresh, sizeof fresh, "%s.new", plain);
    mlplat_status status = write_fresh(folder_fd, fresh, bytes, n, true, err);
    if (status == MLPLAT_OK && mlp_sys.rename(folder_fd, fresh, folder_fd, plain) == -1)
        status = mlp_fail_errno(err, errno, "journal segment %s cannot be replaced", plain);
    if (status == MLPLAT_OK && mlp_sys.fsync(folder_fd) == -1)
        status = mlp_fail_errno(err, errno, "journal segment %s cannot be brought to the disk", plain);
    if (status == MLPLAT_OK && strcmp(name, plain) != 0 && mlp_sys.unlink(folder_fd, name, 0) == -1)
        status = mlp_fail_errno(err, errno, "journal segment %s cannot be removed", name);
    if (status != MLPLAT_OK)
        mlp_sys.unlink(folder_fd, fresh, 0);
    return status;
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

static mlplat_status put_packed(int folder_fd, uint64_t number, const mlp_buf *bytes, bool synced, mlplat_error *err)
{
    char plain[40], name[40], fresh[48];
    mlp_segment_name(number, false, plain);
    mlp_segment_name(number, true, name);
    snprintf(fresh, sizeof fresh, "%s.new", name);
    mlplat_status status = write_fresh(folder_fd, fresh, bytes->data, bytes->size, synced, err);
    if (status == MLPLAT_OK && mlp_sys.rename(folder_fd, fresh, folder_fd, name) == -1)
        status = mlp_fail_errno(err, errno, "packed journal segment %s cannot be named", name);
    if (status != MLPLAT_OK) {
        mlp_sys.unlink(folder_fd, fresh, 0);
        return status;
    }
    if (synced && mlp_sys.fsync(folder_fd) == -1)
        return MLPLAT_OK; /* both stay: a record of one is a record of the other */
    mlp_sys.unlink(folder_fd, plain, 0);
    return MLPLAT_OK;
}

mlplat_status mlp_segment_pack(int folder_fd, uint64_t number, size_t end, bool synced, size_t *disk, mlplat_error *err)
{
    char name[40];
    unsigned char *bytes = NULL;
    size_t size = 0;
    mlp_buf packed = {0};
    mlp_segment_name(number, false, name);
    mlplat_status status = read_file(folder_fd, name, end, &bytes, &size, err);
    if (status == MLPLAT_OK && size < end)
        status = mlp_fail(err, MLPLAT_CORRUPT, "journal segment %s was cut", name);
    if (status == MLPLAT_OK)
        status = mlp_pack_bytes(bytes, end, &packed, err);
    if (status == MLPLAT_OK && packed.size >= size - size / 8)
        status = mlp_fail(err, MLPLAT_STATE, "journal segment %s does not become smaller", name);
    if (status == MLPLAT_OK)
        status = put_packed(folder_fd, number, &packed, synced, err);
    *disk = packed.size;
    mlp_buf_free(&packed);
    mlp_free(bytes);
    return status;
}
