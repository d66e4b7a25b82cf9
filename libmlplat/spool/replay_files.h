/*
 * The segment files of one journal that nobody has, read as one stream of records in the order of their numbers. The
 * order of the files comes from the records in them, not from their heads: a head may be damaged.
 */
#ifndef MLP_REPLAY_FILES_H
#define MLP_REPLAY_FILES_H
#include "spool/segment.h"

typedef struct mlp_replay_file {
    char name[64];
    mlp_segment_head head;
    mlp_head_state state;
    bool damaged;
    uint64_t first; /* number of its first record; 0: none */
    /* while it is open */
    struct mlp_replay_file *next_open;
    unsigned char *bytes;
    mlp_frame_walk walk;
    size_t limit;
    mlp_record record;
} mlp_replay_file;

typedef struct mlp_replay_files {
    int folder_fd;
    const unsigned char *boot; /* of this system */
    mlp_replay_file *file;
    size_t n, cap;
    size_t to_open;
    mlp_replay_file *open; /* those with a record that is due */
    mlp_replay_file *due;  /* the one that the last record came from */
    unsigned char *used_up;
} mlp_replay_files;

mlplat_status mlp_replay_files_list(mlp_replay_files *r, int folder_fd, const unsigned char boot[16],
                                    mlplat_error *err);
/* The next record, lent until `used_up` is given back: whoever keeps records does that when it has done with them, and
 * calls again. NULL in *out and nothing used up: the end. */
mlplat_status mlp_replay_files_next(mlp_replay_files *r, const mlp_record **out, mlplat_error *err);
void mlp_replay_files_give_back(mlp_replay_files *r);
void mlp_replay_files_free(mlp_replay_files *r);

#endif
