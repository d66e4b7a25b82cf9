/*
 * One file of a journal, or one piece of memory at level memory: base holds its bytes, which is the file mapped, or a
 * copy that is written to the file from `written` on. It lives in a lane's list from its first record until it is
 * delivered.
 */
#ifndef MLP_SEGMENT_H
#define MLP_SEGMENT_H
#include "spool/frame.h"
#include <pthread.h>
#include <stdatomic.h>

#define MLP_SEGMENT_FIRST (64u << 10)
#define MLP_SEGMENT_BYTES (256u << 10) /* what a call that needs a new one at once has to wait for */

typedef enum mlp_segment_kind { MLP_SEGMENT_MEMORY, MLP_SEGMENT_MAPPED, MLP_SEGMENT_WRITTEN } mlp_segment_kind;

typedef struct mlp_segment {
    struct mlp_segment *next;
    mlp_segment_kind kind;
    uint64_t number;      /* the file's name */
    int fd;               /* -1: no file, or closed while not loaded */
    unsigned char *base;  /* NULL: not loaded */
    size_t cap, end;      /* bytes of the file, bytes put in */
    size_t written;       /* of kind WRITTEN: bytes that are in the file */
    _Atomic size_t ready; /* bytes that may be delivered */
    uint32_t salt;
    bool sealed;   /* nothing more comes */
    bool poisoned; /* an fsync failed: never written again */
    bool reloaded; /* base came back from the file: checksums count */
    bool damaged;  /* and did not fit: the file is set aside */
    bool held;     /* the delivery thread has come to it: its bytes stay in memory; under the spool's lock */
    size_t disk;   /* bytes that its file takes */
    uint64_t first_seq, last_seq; /* 0: nothing in it; those between may be in other lanes */
    uint32_t records;
    bool packed;   /* its file is the packed one */
    bool packing;  /* it is being packed: wait; under the spool's lock */
    bool no_pack;  /* it does not become smaller */
} mlp_segment;

/* "<number>.mls", and ".mlz" of a packed one. */
void mlp_segment_name(uint64_t number, bool packed, char out[40]);
bool mlp_segment_named(const char *name); /* is it a name of either kind? */

/* A new one, full of zeros that are really on the file system; synced: on the disk too. */
mlplat_status mlp_segment_make(mlp_segment_kind kind, int folder_fd, uint64_t number, size_t cap, bool synced,
                               mlp_segment **out, mlplat_error *err);
/* Begins a life: head, salt, nothing in it. */
void mlp_segment_begin(mlp_segment *segment, const mlp_segment_head *head);
/* Ends a life: what is in it is no longer valid. */
void mlp_segment_blank(mlp_segment *segment);
/* Writes base[written, to) and, if synced, brings it to the disk. */
mlplat_status mlp_segment_write(mlp_segment *segment, size_t to, bool synced, mlplat_error *err);
/* Overwrites the file from `from` on with zeros, as far as that still works: those records were refused. */
void mlp_segment_wipe(mlp_segment *segment, size_t from);

/* One that waits for its next life needs no memory: given back, and there again. Its file stays open. */
void mlp_segment_rest(mlp_segment *segment);
mlplat_status mlp_segment_wake(mlp_segment *segment, mlplat_error *err);

bool mlp_segment_in_file(const mlp_segment *segment); /* nothing more comes, and all of it is in its file */
void mlp_segment_unload(mlp_segment *segment); /* gives memory and descriptor back, the file stays */
mlplat_status mlp_segment_load(mlp_segment *segment, int folder_fd, mlplat_error *err);
/* Removes the file (folder_fd -1: keeps it) and frees. @return is there no file of it any more? */
bool mlp_segment_drop(mlp_segment *segment, int folder_fd);
void mlp_segment_forget(mlp_segment *segment); /* in a forked child: memory only */

/* Puts a packed file in the place of the one that holds `end` bytes: that is whole until the other one is. *disk: what
 * it takes. STATE: it would not be smaller. */
mlplat_status mlp_segment_pack(int folder_fd, uint64_t number, size_t end, bool synced, size_t *disk,
                               mlplat_error *err);

/* Puts these bytes on the disk, unpacked, in the place of the file of that name, packed or not, which nobody has. */
mlplat_status mlp_segment_replace(int folder_fd, const char *name, const void *bytes, size_t n, mlplat_error *err);
/* A whole segment file that nobody maps, packed or not, in memory of its own: at least `least` bytes, zeros behind the
 * file's. */
mlplat_status mlp_segment_read(int folder_fd, const char *name, size_t least, unsigned char **out, size_t *size,
                               mlplat_error *err);

#endif
