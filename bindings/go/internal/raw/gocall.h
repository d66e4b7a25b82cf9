/* What a call from Go carries into C and back, and the way from C's hooks to Go's. */
#ifndef MLP_GOCALL_H
#define MLP_GOCALL_H
#include <mlplat.h>
#include <stdbool.h>
#include <stdint.h>

/* In the caller's Go memory. The error comes first, so that one is the other. */
typedef struct mlp_gocall {
    mlplat_error error;
    uintptr_t hooks; /* a cgo.Handle for progress and write; 0: nobody listens */
    bool own;        /* it has a progress of its own, so that the session's only asks whether to go on */
} mlp_gocall;

/* Makes a call the one that is going on in this thread. False: a text of its was refused, and its error says so. */
bool mlp_gocall_enter(mlp_gocall *call, mlp_gocall **outer);
void mlp_gocall_leave(mlp_gocall *outer);

/* A Go string as C's, to be freed; one with a zero byte inside is refused by mlp_gocall_enter. */
char *mlp_gocall_text(const char *p, size_t n, const char *name);
/* The same; NULL for "", and "" for a single zero byte. */
char *mlp_gocall_optional(const char *p, size_t n, const char *name);

/* Words and ports as raw.Words packs them: a length of four bytes in the machine's order, then the word. */
typedef struct mlp_gowords {
    char **array; /* ends with NULL */
    size_t n;
} mlp_gowords;
typedef struct mlp_goports {
    mlplat_port *array;
    size_t n;
    mlp_gowords words;
} mlp_goports;
void mlp_gocall_words(const char *p, size_t n, const char *name, mlp_gowords *out);
void mlp_gocall_words_free(mlp_gowords *words);
void mlp_gocall_ports(const char *p, size_t n, mlp_goports *out);
void mlp_gocall_ports_free(mlp_goports *ports);

/* The library's hooks; they go to the call that is going on in this thread. */
int mlp_gocall_session_progress(void *user, uint64_t done, uint64_t total);
mlplat_progress mlp_gocall_own_progress(void);
int64_t mlp_gocall_write(void *user, const void *data, size_t n);
void mlp_gocall_log(void *user, mlplat_log_level level, const char *line);
mlplat_status mlp_gocall_component(mlplat_step *step, void *user, mlplat_error *err);

/* What a quick call has to tell: its error, and lines of the log that it could not hand to Go. To be freed. */
typedef struct mlp_gonews {
    mlplat_error error;
    uintptr_t log; /* the handle that takes the lines */
    struct mlp_goline *lines;
} mlp_gonews;
typedef struct mlp_goline {
    struct mlp_goline *next;
    int level;
    char text[];
} mlp_goline;
/* Logs one value and never calls Go, which makes it cheap. NULL: accepted, and there is nothing to tell. */
mlp_gonews *mlp_gocall_log_metric(mlplat_run *run, const char *key, size_t n, double value, int64_t step,
                                  int64_t timestamp_ms);
void mlp_gocall_news_free(mlp_gonews *news);
#endif
