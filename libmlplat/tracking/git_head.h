/* What a git work tree is at, read from its files: no git is run. */
#ifndef MLP_GIT_HEAD_H
#define MLP_GIT_HEAD_H
#include <mlplat/error.h>

typedef struct mlp_git_head {
    char *commit; /* hexadecimal */
    char *branch; /* NULL: detached */
    char *url;    /* of the first remote, without user and password; NULL: no remote */
} mlp_git_head;

/* Of the work tree that holds the folder. What cannot be read stays NULL: a run is not refused for it.
 * OK or NO_MEMORY. */
mlplat_status mlp_git_head_read(const char *folder, mlp_git_head *out, mlplat_error *err);
void mlp_git_head_free(mlp_git_head *head);

#endif
