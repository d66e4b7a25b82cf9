/* The two files of an archive without artifacts, read from memory: a folder has files of those names and sizes, and the
 * table of system calls gives what the input says is in them. */
#ifndef ARCHIVE_FILES_H
#define ARCHIVE_FILES_H
#include "base/os.h"
#include "base/sha256.h"
#include "fuzz_folder.h"
#include "store/manifest.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

enum { ARCHIVE_FILE_MOST = 1 << 16, ARCHIVE_MANIFEST = 0, ARCHIVE_DATA = 1 };

static struct {
    char path[96];
    int root_fd;
    struct {
        const char *name;
        int fd;
        char bytes[ARCHIVE_FILE_MOST];
        size_t n, at, size /* as the folder tells it */;
    } file[2];
    ZSTD_CCtx *packer;
    mlp_os os;
} archive = {.file = {{.name = "manifest.json"}, {.name = MLP_ARCHIVE_DATA}}};

static int archive_open(int dirfd, const char *path, int flags, mode_t mode)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(path, archive.file[i].name) == 0) {
            archive.file[i].at = 0;
            return archive.file[i].fd;
        }
    return mlp_os_default()->open_beneath(dirfd, path, flags, mode);
}

static int archive_close(int fd)
{
    bool ours = fd == archive.file[0].fd || fd == archive.file[1].fd;
    return ours ? 0 : mlp_os_default()->close(fd);
}

static ssize_t archive_read(int fd, void *buf, size_t n)
{
    for (int i = 0; i < 2; i++)
        if (fd == archive.file[i].fd) {
            size_t left = archive.file[i].n - archive.file[i].at, got = n < left ? n : left;
            memcpy(buf, archive.file[i].bytes + archive.file[i].at, got);
            archive.file[i].at += got;
            return (ssize_t)got;
        }
    return mlp_os_default()->read(fd, buf, n);
}

static inline void archive_make(void)
{
    mlplat_error err = {0};
    snprintf(archive.path, sizeof archive.path, "%s/archive", fuzz_folder());
    fuzz_check(mkdir(archive.path, 0700) == 0);
    fuzz_check(mlp_file_open_root(archive.path, false, &archive.root_fd, &err) == MLPLAT_OK);
    for (int i = 0; i < 2; i++) {
        archive.file[i].fd = openat(archive.root_fd, archive.file[i].name, O_CREAT | O_RDWR, 0600);
        fuzz_check(archive.file[i].fd != -1);
    }
    fuzz_check((archive.packer = ZSTD_createCCtx()));
    archive.os = *mlp_os_default();
    archive.os.open_beneath = archive_open;
    archive.os.close = archive_close;
    archive.os.read = archive_read;
    mlp_os_replace(&archive.os);
}

static inline void archive_put(int file, const void *bytes, size_t n)
{
    fuzz_check(n <= ARCHIVE_FILE_MOST);
    if (n)
        memcpy(archive.file[file].bytes, bytes, n);
    archive.file[file].n = n;
    if (archive.file[file].size != n)
        fuzz_check(ftruncate(archive.file[file].fd, (off_t)n) == 0);
    archive.file[file].size = n;
}

/* What the manifest has to say of the data, which holds so many bytes uncompressed. */
static inline mlp_zfile_info archive_info(uint64_t raw)
{
    mlp_zfile_info info = {.size = archive.file[ARCHIVE_DATA].n, .raw_size = raw};
    mlp_sha256 sha;
    mlp_sha256_begin(&sha);
    mlp_sha256_add(&sha, archive.file[ARCHIVE_DATA].bytes, info.size);
    mlp_sha256_end(&sha, info.sha256);
    return info;
}

/* As they are. Returns the size that they say they have uncompressed. */
static inline uint64_t archive_put_packed(const void *bytes, size_t n)
{
    unsigned long long raw = ZSTD_getFrameContentSize(bytes, n);
    archive_put(ARCHIVE_DATA, bytes, n);
    return raw < ARCHIVE_FILE_MOST ? raw : 0;
}

static inline void archive_put_lines(const void *lines, size_t n)
{
    static char packed[ARCHIVE_FILE_MOST];
    size_t size = ZSTD_compressCCtx(archive.packer, packed, sizeof packed, lines, n, -5);
    fuzz_check(!ZSTD_isError(size));
    archive_put(ARCHIVE_DATA, packed, size);
}

#endif
