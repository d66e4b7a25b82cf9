/* clang-format off */
/*
 * Where journals live. A place is the folder with the journals of one store:
 *
 *   "<store>.spool"                   beside the store. Its journals know the store by its file name, so that
 *                                     both can be moved or copied together
 *   "<setting>/<store name>-<hash>"   where the setting names a folder that many stores may share: known by the path
 *
 * In it a folder per journal, called after its process, "<pid>-<start time>-<pid namespace>-<8 hex digits>":
 *
 *   with "new-" in front    it is being made: of no worth when its process is gone
 *   with "left-" in front   its process gave it up: whoever renames it has it
 *   else                    it belongs to whoever holds the POSIX lock of the file `lock` in it
 *
 * `artifacts/` with copies that records name, `dead/` with the dead letters, and `*.bad`, damaged segments that were
 * set aside. POSIX locks end when the process closes any descriptor of the file: a lock file of our own process is
 * never opened a second time.
 */
/* clang-format on */
#ifndef MLP_SPOOL_FOLDER_H
#define MLP_SPOOL_FOLDER_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mlp_place {
    char *path;
    char *shared; /* the setting's folder above it; NULL: it stands beside the store */
    uint64_t identity;
} mlp_place;

mlplat_status mlp_place_init(mlp_place *place, const char *folder, const char *store, mlplat_error *err);
void mlp_place_free(mlp_place *place);
/* NOT_FOUND if it is not there and not to be made; DENIED if it is not ours alone. */
mlplat_status mlp_place_open(const mlp_place *place, bool create, int *fd, mlplat_error *err);
void mlp_place_tidy(const mlp_place *place); /* removes what is empty */
uint64_t mlp_copies_size(const mlp_place *place); /* copies.c: of all together */
void mlp_copies_sweep(const mlp_place *place, int top); /* copies.c: what nobody can name any more; top: the place */

/* The folder of one journal that is ours. Zero: none. */
typedef struct mlp_home {
    bool held;
    int place_fd, fd, lock_fd;
    char name[128];
} mlp_home;

mlplat_status mlp_home_make(const mlp_place *place, const char *id, mlp_home *out, mlplat_error *err);
void mlp_home_remove(mlp_home *home); /* its files are gone: the lock and the folder go too */
bool mlp_home_leave(mlp_home *home);  /* somebody else may have it; false: not before this process has ended */
void mlp_home_close(mlp_home *home);  /* descriptors only */

typedef enum mlp_claim {
    MLP_CLAIM_OURS,
    MLP_CLAIM_OWN_PROCESS,
    MLP_CLAIM_BUSY,
    MLP_CLAIM_FAILED, /* nobody seems to have it, and it cannot be taken */
    MLP_CLAIM_FREE,
    MLP_CLAIM_GONE
} mlp_claim;

/* Takes a journal folder that nobody has: MLP_CLAIM_OURS fills `out`, MLP_CLAIM_FAILED `err`. */
mlp_claim mlp_home_claim(int place_fd, const char *name, mlp_home *out, mlplat_error *err);
/* The same without taking it: FREE is what could be taken. */
mlp_claim mlp_home_probe(int place_fd, const char *name);
/* Of one that is another process's: it only stores what a dead one left, or has had another name since. */
bool mlp_home_has_heir(int place_fd, const char *name);

bool mlp_home_is_journal(const char *name);          /* has a journal's name, also with "left-" */
long mlp_home_pid(const char *name);                 /* 0: none in it */
void mlp_home_sweep(int place_fd, const char *name); /* a "new-" folder of a process that is gone */

/* Calls fn with each name in the folder but "." and "..", until it returns false, which
 * says that it has no memory. */
mlplat_status mlp_folder_each(int fd, bool (*fn)(void *user, const char *name), void *user, mlplat_error *err);
mlplat_status mlp_folder_open(int parent_fd, const char *name, int *fd, mlplat_error *err); /* no link, ours alone */

#endif
