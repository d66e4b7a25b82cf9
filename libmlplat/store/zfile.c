#include "store/zfile.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>
#include <zstd_errors.h>

/* The window bounds what a hostile file can make us allocate: 8 MiB. Our level uses 2 MiB. */
enum { LEVEL = 3, PIECE = 1 << 17, WINDOW_LOG = 23 };

/* ---- writing ----------------------------------------------------------------------------------------------------- */

mlplat_status mlp_zout_open(int root_fd, const char *name, mlp_zout *out, mlplat_error *err)
{
    int fd = -1;
    *out = (mlp_zout){0};
    out->stream = ZSTD_createCCtx();
    out->out = mlp_alloc(PIECE);
    if (!out->stream || !out->out) {
        mlp_zout_free(out);
        return mlp_fail_memory(err);
    }
    ZSTD_CCtx_setParameter(out->stream, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(out->stream, ZSTD_c_checksumFlag, 1);
    mlp_sha256_begin(&out->sha);
    mlplat_status s = mlp_file_open_beneath(root_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    out->fd = fd + 1;
    if (s != MLPLAT_OK)
        mlp_zout_free(out);
    return s;
}

static mlplat_status compress(mlp_zout *z, ZSTD_inBuffer *in, ZSTD_EndDirective mode, mlplat_error *err)
{
    size_t left;
    do {
        ZSTD_outBuffer out = {z->out, PIECE, 0};
        left = ZSTD_compressStream2(z->stream, &out, in, mode);
        if (ZSTD_isError(left))
            return mlp_fail_memory(err); /* compressing has no other reason to fail */
        mlp_sha256_add(&z->sha, z->out, out.pos);
        z->size += out.pos;
        mlplat_status s = mlp_file_write_all(z->fd - 1, z->out, out.pos, err);
        if (s != MLPLAT_OK)
            return s;
    } while (mode == ZSTD_e_end ? left != 0 : in->pos < in->size);
    return MLPLAT_OK;
}

mlplat_status mlp_zout_write(mlp_zout *z, const void *data, size_t n, mlplat_error *err)
{
    ZSTD_inBuffer in = {data, n, 0};
    z->raw_size += n;
    return n ? compress(z, &in, ZSTD_e_continue, err) : MLPLAT_OK;
}

mlplat_status mlp_zout_finish(mlp_zout *z, mlp_zfile_info *info, mlplat_error *err)
{
    ZSTD_inBuffer none = {"", 0, 0};
    mlplat_status s = compress(z, &none, ZSTD_e_end, err);
    if (s == MLPLAT_OK && mlp_sys.fsync(z->fd - 1) == -1)
        s = mlp_fail_errno(err, errno, "cannot sync a file of the archive");
    if (mlp_sys.close(z->fd - 1) == -1 && s == MLPLAT_OK)
        s = mlp_fail_errno(err, errno, "cannot close a file of the archive");
    z->fd = 0;
    info->size = z->size;
    info->raw_size = z->raw_size;
    mlp_sha256_end(&z->sha, info->sha256);
    mlp_zout_free(z);
    return s;
}

void mlp_zout_free(mlp_zout *z)
{
    if (z->fd)
        mlp_sys.close(z->fd - 1);
    ZSTD_freeCCtx(z->stream);
    mlp_free(z->out);
    *z = (mlp_zout){0};
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mlplat_status corrupt(const mlp_zin *z, const char *why, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: '%.200s' %s: export it again, or copy it again",
                    z->name, why);
}

/* What open says of names, links and folders is about the archive; what is left is about this system. */
static mlplat_status fail_to_open(const mlp_zin *z, int root_fd, mlplat_status s, mlplat_error *err)
{
    struct stat st;
    bool plain = fstatat(root_fd, z->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    if (s == MLPLAT_NOT_FOUND)
        return corrupt(z, "is missing", err);
    if (s == MLPLAT_INVALID || (s == MLPLAT_DENIED && !plain))
        return corrupt(z, "is no plain file that can be read", err);
    return s;
}

mlplat_status mlp_zin_open(int root_fd, const char *name, const mlp_zfile_info *expected, mlp_zin *out,
                           mlplat_error *err)
{
    int fd = -1;
    *out = (mlp_zin){.name = name, .expected = *expected};
    out->stream = ZSTD_createDCtx();
    out->in = mlp_alloc(PIECE);
    if (!out->stream || !out->in) {
        mlp_zin_free(out);
        return mlp_fail_memory(err);
    }
    ZSTD_DCtx_setParameter(out->stream, ZSTD_d_windowLogMax, WINDOW_LOG);
    mlp_sha256_begin(&out->sha);
    mlplat_status s = mlp_file_open_beneath(root_fd, name, O_RDONLY, 0, &fd, err);
    out->fd = fd + 1;
    if (s != MLPLAT_OK) {
        s = fail_to_open(out, root_fd, s, err);
        mlp_zin_free(out);
    }
    return s;
}

static mlplat_status refill(mlp_zin *z, mlplat_error *err)
{
    ssize_t got = mlp_sys.read(z->fd - 1, z->in, PIECE);
    if (got == -1)
        return mlp_fail_errno(err, errno, "cannot read '%.200s' of the archive", z->name);
    z->at = 0;
    z->n = (size_t)got;
    z->size += (size_t)got;
    z->ended = got == 0;
    mlp_sha256_add(&z->sha, z->in, z->n);
    return z->size > z->expected.size ? corrupt(z, "is longer than the manifest says", err) : MLPLAT_OK;
}

static mlplat_status at_end(mlp_zin *z, mlplat_error *err)
{
    char hex[65];
    if (z->wanted || z->size != z->expected.size || z->raw_size != z->expected.raw_size)
        return corrupt(z, "is shorter than the manifest says", err);
    mlp_sha256_end(&z->sha, hex);
    return strcmp(hex, z->expected.sha256) ? corrupt(z, "has another digest than the manifest says", err) : MLPLAT_OK;
}

/* What is in the buffer, and what zstd still holds back after the last of it. */
static mlplat_status decompress(mlp_zin *z, ZSTD_outBuffer *out, mlplat_error *err)
{
    ZSTD_inBuffer in = {z->in, z->n, z->at};
    z->wanted = ZSTD_decompressStream(z->stream, out, &in);
    z->at = in.pos;
    if (ZSTD_getErrorCode(z->wanted) == ZSTD_error_memory_allocation)
        return mlp_fail_memory(err);
    if (ZSTD_isError(z->wanted))
        return corrupt(z, ZSTD_getErrorName(z->wanted), err);
    z->raw_size += out->pos;
    return z->raw_size > z->expected.raw_size ? corrupt(z, "holds more than the manifest says", err) : MLPLAT_OK;
}

mlplat_status mlp_zin_read(mlp_zin *z, void *data, size_t n, size_t *got, mlplat_error *err)
{
    ZSTD_outBuffer out = {data, n, 0};
    *got = 0;
    while (!out.pos) {
        mlplat_status s = z->at == z->n && !z->ended ? refill(z, err) : MLPLAT_OK;
        if (s == MLPLAT_OK && (z->at < z->n || z->wanted))
            s = decompress(z, &out, err);
        if (s == MLPLAT_OK && !out.pos && z->ended)
            return at_end(z, err);
        if (s != MLPLAT_OK)
            return s;
    }
    *got = out.pos;
    return MLPLAT_OK;
}

void mlp_zin_free(mlp_zin *z)
{
    if (z->fd)
        mlp_sys.close(z->fd - 1);
    ZSTD_freeDCtx(z->stream);
    mlp_free(z->in);
    *z = (mlp_zin){0};
}
