/* A sink for tests of the spool: rows and marks in an SQLite file (or ":memory:"), nothing made unique, so that what
 * comes twice shows; and it fails, refuses and waits on demand. */
#ifndef FAKE_SINK_H
#define FAKE_SINK_H
#include "spool/spool.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct fake_sink {
    void *db;
    pthread_mutex_t lock;
    _Atomic int fail;       /* mlplat_status that apply returns; 0: none */
    _Atomic int fail_times; /* so often; negative: always */
    _Atomic bool retryable;
    _Atomic bool mark_fails;
    _Atomic bool hold;      /* apply waits while set */
    _Atomic int poison;     /* status with which a batch is refused whole that holds a key "poison..."; 0: none */
    _Atomic int refuse;     /* verdict for keys "refused..."; 0: none */
    _Atomic bool set_aside; /* uses mlp_spool_set_aside, as a good sink does */
    _Atomic bool die_after_commit; /* the process kills itself there */
    mlp_spool *spool;              /* for set_aside: give &sink->spool to mlp_spool_open */
    _Atomic int calls;             /* of apply */
    _Atomic int largest;           /* batch */
    _Atomic int forgotten;
    bool remote;                /* it is a server's */
    _Atomic int too_many;       /* a larger batch is a TIMEOUT; 0: none is */
    _Atomic int64_t rest_until; /* monotonic ns */
    _Atomic int64_t until;      /* the spool's limit; what is held goes on then, CANCELLED */
    int request;                /* as MLflow's server: no marks, and requests of so many records of one run; 0: no */
    _Atomic int requests;       /* so far */
    _Atomic int break_each;     /* each nth of them breaks before the server heard it; 0: none */
    _Atomic int die_at;         /* the process kills itself behind the nth; 0: at none */
    _Atomic int die_asking;     /* and in the midst of the nth, which is lost */
} fake_sink;

fake_sink *fake_sink_open(const char *path);
void fake_sink_close(fake_sink *sink);
mlp_sink fake_sink_table(fake_sink *sink);
/* Its table where `request` is set: fake_server.c. */
mlplat_status fake_server_apply(void *sink, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                                mlplat_error *err);
mlplat_status fake_sink_scripted(fake_sink *sink, const mlp_record *records, size_t n, mlplat_error *err);
void fake_sink_store(fake_sink *sink, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts);

/* One number from SQL: select count(*) from rows; from marks. rows: n (order of storing), journal, seq, kind, run, key,
 * text, value, step, time. */
int64_t fake_sink_ask(fake_sink *sink, const char *sql);

#endif
