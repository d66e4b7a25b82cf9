/*
 * Dead letters: records that the sink refused. A file per batch, "dead/<journal id>-<first number>.jsonl", one record a
 * line, written whole, synced and renamed; so several processes need no lock here. A file whose number lies above the
 * mark that the sink has of its journal belongs to a transaction that was never committed.
 */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "spool/metric_origin.h"
#include "spool/record_kind.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)

static void file_name(const char *journal_id, uint64_t seq, char out[96])
{
    snprintf(out, 96, "%.32s-%020" PRIu64 ".jsonl", journal_id, seq);
}

static bool is_file(const char *name, uint64_t *seq)
{
    if (strlen(name) != 32 + 1 + 20 + 6 || strspn(name, "0123456789abcdef") != 32 || name[32] != '-' ||
        !mlp_text_ends(name, ".jsonl") || strspn(name + 33, "0123456789") != 20)
        return false;
    *seq = strtoull(name + 33, NULL, 10);
    return true;
}

static mlplat_status open_dead(const mlp_place *place, bool create, int *fd, mlplat_error *err)
{
    int top;
    mlplat_status status = MLPLAT_NOT_FOUND;
    int attempts = create ? 20 : 1; /* its last user may remove it just now */
    for (int i = 0; i < attempts && status == MLPLAT_NOT_FOUND; i++) {
        status = mlp_place_open(place, create, &top, err);
        if (status != MLPLAT_OK)
            continue;
        bool made = create && mlp_sys.mkdir(top, "dead", 0700) == 0;
        status = mlp_folder_open(top, "dead", fd, err);
        if (status == MLPLAT_OK && made) {
            fchmod(*fd, 0700);
            mlp_sys.fsync(top);
        }
        mlp_sys.close(top);
    }
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static json_t *text_json(const char *text, size_t n)
{
    if (mlp_text_utf8(text, n))
        return json_stringn(text, n);
    char *copy = mlp_strndup(text, n);
    json_t *json = copy ? mlp_json_string(copy) : NULL; /* repaired */
    mlp_free(copy);
    return json;
}

static mlplat_status origin_json(const mlp_record *r, json_t *out, mlplat_error *err)
{
    mlp_metric_origin o;
    mlp_metric_origin_get(r, &o);
    mlplat_status status = MLPLAT_OK;
    if (o.model_id_n)
        status = mlp_json_set(out, "model_id", text_json(o.model_id, o.model_id_n), err);
    if (status == MLPLAT_OK && o.dataset_name_n)
        status = mlp_json_set(out, "dataset_name", text_json(o.dataset_name, o.dataset_name_n), err);
    if (status == MLPLAT_OK && o.dataset_digest_n)
        status = mlp_json_set(out, "dataset_digest", text_json(o.dataset_digest, o.dataset_digest_n), err);
    return status;
}

static mlplat_status record_json(const char *journal_id, const mlp_record *r, const mlp_verdict *v, json_t **out,
                                 mlplat_error *err)
{
    bool metric = r->kind == MLP_RECORD_METRIC;
    *out = json_pack("{s:s, s:I, s:s, s:o, s:o, s:o}", "journal", journal_id, "seq", (json_int_t)r->seq, "kind",
                     mlp_record_kind_name(r->kind), "run_id", text_json(r->run_id, r->run_id_n), "key",
                     text_json(r->key, r->key_n), "value",
                     metric ? mlp_json_double(r->value) : text_json(r->text, r->text_n));
    if (!*out)
        return mlp_fail_memory(err);
    mlplat_status status = MLPLAT_OK;
    if (metric) {
        status = mlp_json_set(*out, "step", json_integer(r->step), err);
        if (status == MLPLAT_OK)
            status = mlp_json_set(*out, "timestamp", json_integer(r->timestamp_ms), err);
        if (status == MLPLAT_OK)
            status = origin_json(r, *out, err);
    }
    if (status == MLPLAT_OK)
        status = mlp_json_set(*out, "status", json_string(mlplat_status_name(v->status)), err);
    if (status == MLPLAT_OK)
        status = mlp_json_set(*out, "reason", mlp_json_string(v->reason), err);
    return status;
}

static mlplat_status add_line(mlp_buf *lines, const json_t *record, mlplat_error *err)
{
    mlp_buf line = {0};
    mlplat_status status = mlp_json_text(record, &line, err);
    mlp_buf_add(lines, line.data ? line.data : "", line.size);
    mlp_buf_putc(lines, '\n');
    mlp_buf_free(&line);
    return status != MLPLAT_OK ? status : mlp_buf_ok(lines, err);
}

static mlplat_status write_file(int dead_fd, const char *name, const mlp_buf *lines, mlplat_error *err)
{
    char fresh[128];
    snprintf(fresh, sizeof fresh, "new-%ld-%s", (long)getpid(), name);
    mlp_sys.unlink(dead_fd, fresh, 0);
    int fd = mlp_sys.open(dead_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "dead letter file %s cannot be made", name);
    fchmod(fd, 0600);
    mlplat_status status = mlp_file_write_all(fd, lines->data, lines->size, err);
    if (status == MLPLAT_OK && mlp_sys.fsync(fd) == -1)
        status = mlp_fail_errno(err, errno, "dead letter file %s", name);
    mlp_sys.close(fd);
    if (status == MLPLAT_OK && (mlp_sys.rename(dead_fd, fresh, dead_fd, name) == -1 || mlp_sys.fsync(dead_fd) == -1))
        status = mlp_fail_errno(err, errno, "dead letter file %s", name);
    if (status != MLPLAT_OK)
        mlp_sys.unlink(dead_fd, fresh, 0);
    return status;
}

mlplat_status mlp_deadletter_put(mlp_spool *sp, const char *journal_id, const mlp_record *records,
                                 const mlp_verdict *verdicts, size_t n, size_t *n_dead, mlplat_error *err)
{
    mlp_buf lines = {0};
    uint64_t first = 0;
    int fd = -1;
    char name[96];
    mlplat_status status = MLPLAT_OK;
    *n_dead = 0;
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++) {
        json_t *json = NULL;
        if (verdicts[i].status == MLPLAT_OK)
            continue;
        first = *n_dead == 0 ? records[i].seq : first;
        ++*n_dead;
        status = record_json(journal_id, &records[i], &verdicts[i], &json, err);
        if (status == MLPLAT_OK)
            status = add_line(&lines, json, err);
        json_decref(json);
    }
    if (status == MLPLAT_OK && *n_dead > 0)
        status = open_dead(&sp->place[0], true, &fd, err);
    if (status == MLPLAT_OK && *n_dead > 0) {
        file_name(journal_id, first, name);
        status = write_file(fd, name, &lines, err);
    }
    if (fd != -1)
        mlp_sys.close(fd);
    mlp_buf_free(&lines);
    return status;
}

void mlp_deadletter_take_back(mlp_spool *sp, const char *journal_id, uint64_t first_seq)
{
    char name[96];
    int fd;
    if (open_dead(&sp->place[0], false, &fd, NULL) != MLPLAT_OK)
        return;
    file_name(journal_id, first_seq, name);
    mlp_sys.unlink(fd, name, 0);
    mlp_sys.close(fd);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool collect_name(void *user, const char *name)
{
    uint64_t seq;
    json_t *names = user;
    return !is_file(name, &seq) || json_array_append_new(names, json_string(name)) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* The names of a dead letter folder's files, sorted; an empty array if there is none. */
static mlplat_status list_names(int dead_fd, json_t **out, mlplat_error *err)
{
    json_t *names = json_array();
    *out = json_array();
    mlplat_status status = names && *out ? mlp_folder_each(dead_fd, collect_name, names, err) : mlp_fail_memory(err);
    size_t n = json_array_size(names);
    json_t **sorted = mlp_alloc_array(n + 1, sizeof *sorted);
    if (status == MLPLAT_OK && !sorted)
        status = mlp_fail_memory(err);
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++)
        sorted[i] = json_array_get(names, i);
    if (status == MLPLAT_OK && n > 0)
        qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++)
        status = mlp_json_push(*out, json_incref(sorted[i]), err);
    mlp_free(sorted);
    json_decref(names);
    return status;
}

void mlp_deadletter_reset(mlp_spool *sp, const char *journal_id, uint64_t mark)
{
    for (int p = 0; p < sp->n_places; p++) {
        int fd;
        json_t *names = NULL;
        size_t i;
        json_t *name;
        uint64_t seq = 0;
        if (open_dead(&sp->place[p], false, &fd, NULL) != MLPLAT_OK)
            continue;
        list_names(fd, &names, NULL);
        json_array_foreach(names, i, name)
        {
            const char *text = json_string_value(name);
            if (mlp_text_starts(text, journal_id) && is_file(text, &seq) && seq > mark)
                mlp_sys.unlink(fd, text, 0);
        }
        json_decref(names);
        mlp_sys.close(fd);
    }
}

static mlplat_status read_file(int dead_fd, const char *name, mlp_buf *out, mlplat_error *err)
{
    char part[16384];
    int fd = mlp_sys.open(dead_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "dead letter file %s", name);
    ssize_t n;
    while ((n = mlp_sys.read(fd, part, sizeof part)) > 0 && out->size < FILE_MAX)
        mlp_buf_add(out, part, (size_t)n);
    mlplat_status status = n < 0 ? mlp_fail_errno(err, errno, "dead letter file %s", name) : mlp_buf_ok(out, err);
    mlp_sys.close(fd);
    return status;
}

static bool has_fields(const json_t *r)
{
    const char *name = json_string_value(json_object_get(r, "kind"));
    const json_t *value = json_object_get(r, "value");
    mlp_record_kind kind;
    return name && mlp_record_kind_of(name, &kind) && json_is_string(json_object_get(r, "run_id")) &&
           json_is_string(json_object_get(r, "key")) &&
           (kind != MLP_RECORD_METRIC
                ? json_is_string(value)
                : (json_is_number(value) || json_is_string(value)) && json_is_integer(json_object_get(r, "step")) &&
                      json_is_integer(json_object_get(r, "timestamp")));
}

/* The records of a file; CORRUPT if a line is none. */
static mlplat_status read_letters(int dead_fd, const char *name, json_t *out, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status status = read_file(dead_fd, name, &text, err);
    for (size_t at = 0; status == MLPLAT_OK && at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        size_t n = end ? (size_t)(end - (text.data + at)) : text.size - at;
        json_t *record = NULL;
        status = mlp_json_parse(text.data + at, n, &record, err);
        if (status == MLPLAT_INVALID || (status == MLPLAT_OK && !has_fields(record))) {
            json_decref(record);
            status =
                mlp_fail(err, MLPLAT_CORRUPT, "dead letter file %s is damaged at byte %zu: it is left alone", name, at);
        } else if (status == MLPLAT_OK)
            status = mlp_json_push(out, record, err);
        at += n + 1;
    }
    mlp_buf_free(&text);
    return status;
}

static mlplat_status list_place(mlp_spool *sp, int dead_fd, json_t *out, mlplat_error *err)
{
    json_t *names = NULL;
    mlplat_error bad = {0};
    mlplat_status status = list_names(dead_fd, &names, err);
    for (size_t i = 0; status == MLPLAT_OK && i < json_array_size(names); i++) {
        status = read_letters(dead_fd, json_string_value(json_array_get(names, i)), out, &bad);
        /* The rest is worth seeing; one that is not there any more was just tried again. */
        if (status == MLPLAT_CORRUPT || status == MLPLAT_NOT_FOUND) {
            if (status == MLPLAT_CORRUPT)
                mlp_log(sp->log, MLPLAT_LOG_WARNING, "%s", bad.message);
            status = MLPLAT_OK;
        } else if (status != MLPLAT_OK && err)
            *err = bad;
    }
    json_decref(names);
    return status;
}

mlplat_status mlp_deadletter_list(mlp_spool *sp, json_t *out, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++) {
        int fd;
        status = open_dead(&sp->place[p], false, &fd, err);
        if (status == MLPLAT_OK) {
            status = list_place(sp, fd, out, err);
            mlp_sys.close(fd);
        } else if (status == MLPLAT_NOT_FOUND)
            status = MLPLAT_OK;
    }
    return status;
}

/* ---- trying again ------------------------------------------------------------------------------------------------ */

static double double_of(const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return json_number_value(value);
    return strtod(text, NULL); /* NaN, Infinity, -Infinity */
}

/* Lent by r and keep. */
static mlplat_status record_of(const json_t *r, uint64_t seq, json_t *keep, mlp_record *out, mlplat_error *err)
{
    const json_t *run = json_object_get(r, "run_id"), *key = json_object_get(r, "key"),
                 *value = json_object_get(r, "value");
    const char *model = json_string_value(json_object_get(r, "model_id"));
    mlp_record_kind kind = MLP_RECORD_METRIC;
    mlp_record_kind_of(json_string_value(json_object_get(r, "kind")), &kind);
    bool metric = kind == MLP_RECORD_METRIC;
    *out = (mlp_record){
        .kind = kind,
        .seq = seq,
        .run_id = json_string_value(run),
        .run_id_n = json_string_length(run),
        .key = json_string_value(key),
        .key_n = json_string_length(key),
        .text = metric ? "" : json_string_value(value),
        .text_n = metric ? 0 : json_string_length(value),
        .value = metric ? double_of(value) : 0,
        .step = (int64_t)json_integer_value(json_object_get(r, "step")),
        .timestamp_ms = (int64_t)json_integer_value(json_object_get(r, "timestamp")),
    };
    if (!metric || !model)
        return MLPLAT_OK;
    return mlp_metric_origin_put(model, json_string_value(json_object_get(r, "dataset_name")),
                                 json_string_value(json_object_get(r, "dataset_digest")), keep, out, err);
}

/* Under a journal id of its own: those numbers lie below the old journal's mark. */
static mlplat_status apply_letters(mlp_spool *sp, const json_t *letters, mlp_verdict *verdicts, size_t *dead,
                                   mlplat_error *err)
{
    char id[33];
    size_t n = json_array_size(letters);
    mlp_record *records = mlp_alloc_array(n + 1, sizeof *records);
    json_t *keep = json_array();
    mlplat_status status = records && keep ? mlp_random_hex(id, err) : mlp_fail_memory(err);
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++)
        status = record_of(json_array_get(letters, i), i + 1, keep, &records[i], err);
    *dead = 0;
    if (status == MLPLAT_OK && n > 0) {
        status = mlp_settle_batch(sp, &(mlp_origin){.journal = id, .retrying = true}, records, n, verdicts, dead, err);
        pthread_mutex_lock(&sp->sink_lock);
        sp->sink.forget(sp->sink.ctx, id, NULL);
        pthread_mutex_unlock(&sp->sink_lock);
    }
    mlp_free(records);
    json_decref(keep);
    return status;
}

/* What is left of a file, or nothing. */
static mlplat_status put_back(int dead_fd, const char *name, const mlp_buf *lines, mlplat_error *err)
{
    if (lines->size > 0)
        return write_file(dead_fd, name, lines, err);
    return mlp_sys.unlink(dead_fd, name, 0) == -1 && errno != ENOENT
               ? mlp_fail_errno(err, errno, "dead letter file %s", name)
               : MLPLAT_OK;
}

/* What is still refused stays, with the newest reason. */
static mlplat_status keep_rest(int dead_fd, const char *name, const json_t *letters, const mlp_verdict *verdicts,
                               mlplat_error *err)
{
    mlp_buf lines = {0};
    size_t i;
    json_t *r;
    mlplat_status status = MLPLAT_OK;
    json_array_foreach(letters, i, r)
    {
        if (verdicts[i].status == MLPLAT_OK || status != MLPLAT_OK)
            continue;
        status = mlp_json_set(r, "status", json_string(mlplat_status_name(verdicts[i].status)), err);
        if (status == MLPLAT_OK)
            status = mlp_json_set(r, "reason", mlp_json_string(verdicts[i].reason), err);
        if (status == MLPLAT_OK)
            status = add_line(&lines, r, err);
    }
    if (status == MLPLAT_OK)
        status = put_back(dead_fd, name, &lines, err);
    mlp_buf_free(&lines);
    return status;
}

static mlplat_status retry_file(mlp_spool *sp, int dead_fd, const char *name, uint64_t *stored, uint64_t *dead,
                                mlplat_error *err)
{
    size_t refused = 0;
    json_t *letters = json_array();
    mlplat_status status = letters ? read_letters(dead_fd, name, letters, err) : mlp_fail_memory(err);
    if (status == MLPLAT_NOT_FOUND) { /* another process was first */
        json_decref(letters);
        return MLPLAT_OK;
    }
    size_t n = json_array_size(letters);
    mlp_verdict *verdicts = mlp_alloc_array(n + 1, sizeof *verdicts);
    if (status == MLPLAT_OK && !verdicts)
        status = mlp_fail_memory(err);
    if (status == MLPLAT_OK)
        status = apply_letters(sp, letters, verdicts, &refused, err);
    if (status == MLPLAT_OK)
        status = keep_rest(dead_fd, name, letters, verdicts, err);
    if (status == MLPLAT_OK) {
        *stored += n - refused;
        *dead += refused;
    }
    mlp_free(verdicts);
    json_decref(letters);
    return status;
}

static mlplat_status retry_place(mlp_spool *sp, const mlp_place *place, const mlp_hook *hook, uint64_t *stored,
                                 uint64_t *dead, mlplat_error *err)
{
    int fd;
    json_t *names = NULL, *name;
    size_t i;
    mlplat_status status = open_dead(place, false, &fd, err);
    if (status != MLPLAT_OK)
        return status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    status = list_names(fd, &names, err);
    json_array_foreach(names, i, name)
    {
        if (status == MLPLAT_OK)
            status = mlp_hook_call(hook, i, json_array_size(names), "trying dead letters again", err);
        if (status == MLPLAT_OK)
            status = retry_file(sp, fd, json_string_value(name), stored, dead, err);
    }
    json_decref(names);
    mlp_sys.close(fd);
    mlp_place_tidy(place);
    return status;
}

mlplat_status mlp_deadletter_retry(mlp_spool *sp, const mlp_hook *hook, uint64_t *stored, uint64_t *dead,
                                   mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    *stored = *dead = 0;
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++)
        status = retry_place(sp, &sp->place[p], hook, stored, dead, err);
    return status;
}

/* ---- throwing away ----------------------------------------------------------------------------------------------- */

typedef struct dropping {
    mlp_spool *sp;
    const char *run_id; /* NULL: of all */
    bool dry;
    json_t *counts;
} dropping;

/* Counts what goes, and gives what stays. */
static mlplat_status divide(const dropping *d, const json_t *letters, mlp_buf *stay, mlplat_error *err)
{
    size_t i;
    json_t *letter;
    mlplat_status status = MLPLAT_OK;
    json_array_foreach(letters, i, letter)
    {
        const char *run = json_string_value(json_object_get(letter, "run_id"));
        if (status != MLPLAT_OK)
            break;
        if (d->run_id && strcmp(run, d->run_id) != 0)
            status = add_line(stay, letter, err);
        else if (!mlp_status_count_run(d->counts, run, strlen(run)))
            status = mlp_fail_memory(err);
    }
    return status;
}

static mlplat_status drop_file(const dropping *d, int dead_fd, const char *name, mlplat_error *err)
{
    mlp_buf stay = {0};
    mlplat_error bad = {0};
    json_t *letters = json_array();
    mlplat_status status = letters ? read_letters(dead_fd, name, letters, &bad) : mlp_fail_memory(&bad);
    bool there = status == MLPLAT_OK; /* else another process was first, or it is damaged: that is told and stays */
    if (status == MLPLAT_CORRUPT)
        mlp_log(d->sp->log, MLPLAT_LOG_WARNING, "%s", bad.message);
    if (there)
        status = divide(d, letters, &stay, err);
    else if (status != MLPLAT_CORRUPT && status != MLPLAT_NOT_FOUND && err)
        *err = bad;
    if (status == MLPLAT_OK && !d->dry)
        status = put_back(dead_fd, name, &stay, err);
    mlp_buf_free(&stay);
    json_decref(letters);
    return !there && (status == MLPLAT_CORRUPT || status == MLPLAT_NOT_FOUND) ? MLPLAT_OK : status;
}

static mlplat_status drop_place(const dropping *d, const mlp_place *place, mlplat_error *err)
{
    int fd;
    json_t *names = NULL, *name;
    size_t i;
    mlplat_status status = open_dead(place, false, &fd, err);
    if (status != MLPLAT_OK)
        return status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    status = list_names(fd, &names, err);
    json_array_foreach(names, i, name)
    {
        if (status == MLPLAT_OK)
            status = drop_file(d, fd, json_string_value(name), err);
    }
    json_decref(names);
    mlp_sys.close(fd);
    return status;
}

mlplat_status mlp_deadletter_drop(mlp_spool *sp, const char *run_id, bool dry, json_t *counts, mlplat_error *err)
{
    dropping d = {.sp = sp, .run_id = run_id, .dry = dry, .counts = counts};
    mlplat_status status = MLPLAT_OK;
    for (int p = 0; p < sp->n_places && status == MLPLAT_OK; p++)
        status = drop_place(&d, &sp->place[p], err);
    return status;
}
