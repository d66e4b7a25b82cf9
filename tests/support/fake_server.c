/* The fake sink as a server that keeps no marks: it is given the records of a batch run by run, in requests. */
#include "base/clock.h"
#include "base/err.h"
#include "support/fake_sink.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool same_run(const mlp_record *a, const mlp_record *b)
{
    return a->run_id_n == b->run_id_n && memcmp(a->run_id, b->run_id, a->run_id_n) == 0;
}

static mlplat_status request(fake_sink *s, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                             bool *refused, mlplat_error *err)
{
    int number = ++s->requests;
    if (s->break_each && number % s->break_each == 0) {
        mlp_fail(err, MLPLAT_UNAVAILABLE, "the line broke");
        err->retryable = 1;
        return MLPLAT_UNAVAILABLE;
    }
    mlp_spool_asks(s->spool, true);
    if (number == s->die_asking)
        kill(getpid(), SIGKILL);
    pthread_mutex_lock(&s->lock);
    sqlite3_exec(s->db, "begin immediate", NULL, NULL, NULL);
    fake_sink_store(s, id, records, n, verdicts);
    sqlite3_exec(s->db, "commit", NULL, NULL, NULL);
    pthread_mutex_unlock(&s->lock);
    mlp_spool_asks(s->spool, false);
    for (size_t i = 0; i < n; i++)
        *refused = *refused || verdicts[i].status != MLPLAT_OK;
    if (!*refused)
        mlp_spool_took(s->spool, &records[n - 1]);
    if (number == s->die_at)
        kill(getpid(), SIGKILL);
    return MLPLAT_OK;
}

/* The records of one run, from the first on, that the server does not have. */
static mlplat_status bring_run(fake_sink *s, const char *id, const mlp_record *records, size_t n, size_t first,
                               bool *seen, mlp_verdict *verdicts, mlplat_error *err)
{
    mlp_record some[100];
    mlp_verdict said[100] = {{0}};
    size_t at[100], most = s->request < 100 ? (size_t)s->request : 100, k = 0;
    bool refused = false;
    uint64_t taken = mlp_spool_taken(s->spool, &records[first]);
    mlplat_status status = MLPLAT_OK;
    for (size_t i = first; i <= n && status == MLPLAT_OK; i++) {
        bool more = i < n && !seen[i] && same_run(&records[i], &records[first]);
        if (more)
            seen[i] = true;
        if (more && records[i].seq > taken) {
            at[k] = i;
            some[k++] = records[i];
        }
        if (k == 0 || (k < most && i < n))
            continue;
        status = request(s, id, some, k, said, &refused, err);
        for (size_t j = 0; j < k; j++)
            verdicts[at[j]] = said[j];
        memset(said, 0, sizeof said);
        k = 0;
    }
    return status;
}

mlplat_status fake_server_apply(void *ctx, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                                mlplat_error *err)
{
    fake_sink *s = ctx;
    bool *seen = calloc(n, sizeof *seen);
    s->calls++;
    if ((int)n > s->largest)
        s->largest = (int)n;
    mlplat_status status = fake_sink_scripted(s, records, n, err);
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++)
        if (!seen[i])
            status = bring_run(s, id, records, n, i, seen, verdicts, err);
    free(seen);
    return status;
}
