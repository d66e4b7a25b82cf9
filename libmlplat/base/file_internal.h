/* What file.c and its neighbours share. */
#ifndef MLP_FILE_INTERNAL_H
#define MLP_FILE_INTERNAL_H
#include "base/digest.h"
#include "base/file.h"

#define MLP_FILE_TEMPORARY 48 /* room for the name of a temporary file */

/* Temporary file in the folder, filled by source, fsync, rename to name (one part, checked), fsync of the folder. */
mlplat_status mlp_file_replace(int dirfd, const char *name, mode_t mode, mlp_file_source source, void *user,
                               mlplat_error *err);
/* The folder that holds the last part of a checked name, no link followed: a new descriptor, -1 and errno on failure,
 * and where the last part starts. */
int mlp_file_open_parent(int root_fd, const char *name, bool create, mode_t mode, const char **last);
mlplat_status mlp_file_fail_open(int errnum, const char *name, mlplat_error *err);

#endif
