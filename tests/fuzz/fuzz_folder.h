/* A folder for a target that needs files: in memory where the machine has that, and gone when the program ends. */
#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H
#include "base/file.h"
#include "fuzz.h"
#include <unistd.h>

static char fuzz_folder_path[64];

static inline void fuzz_folder_remove(void)
{
    mlp_file_remove_tree(fuzz_folder_path, NULL);
}

/* Once. Lent until the program ends. */
static inline const char *fuzz_folder(void)
{
    const char *in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(fuzz_folder_path, sizeof fuzz_folder_path, "%s/mlplat-fuzz-XXXXXX", in);
    fuzz_check(mkdtemp(fuzz_folder_path));
    atexit(fuzz_folder_remove);
    return fuzz_folder_path;
}

#endif
