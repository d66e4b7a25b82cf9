/* Looking at what lies in the spool, record by record. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "spool/record_kind.h"
#include "spool/spool_inside.h"
#include <string.h>

typedef struct inspection {
    json_t *records;
    const char *run_id; /* NULL: of all */
    size_t most;
    bool more;
    mlplat_status status;
    mlplat_error *err;
} inspection;

/* A value is hidden whole where its key tells a secret, and what looks like one anywhere. */
static bool tells_a_secret(const char *key)
{
    char *probe = mlp_sprintf("%s: xxx", key);
    if (probe)
        mlp_redact(probe);
    bool secret = !probe || strcmp(probe + strlen(probe) - 3, "xxx") != 0;
    mlp_free(probe);
    return secret;
}

static json_t *shown(const char *key, const char *text)
{
    char *copy = mlp_strdup(tells_a_secret(key) ? "***" : text);
    if (copy)
        mlp_redact(copy);
    json_t *json = copy ? mlp_json_string(copy) : NULL;
    mlp_free(copy);
    return json;
}

static json_t *shown_part(const char *text, size_t n)
{
    char *copy = mlp_strndup(text, n);
    json_t *json = copy ? shown("", copy) : NULL;
    mlp_free(copy);
    return json;
}

static json_t *value_of(const mlp_record *r)
{
    if (r->kind == MLP_RECORD_METRIC)
        return mlp_json_double(r->value);
    char *key = mlp_strndup(r->key, r->key_n), *text = mlp_strndup(r->text, r->text_n);
    json_t *json = key && text ? shown(key, text) : NULL;
    mlp_free(key);
    mlp_free(text);
    return json;
}

/* false: there is no more room. */
static bool room(inspection *i)
{
    i->more = json_array_size(i->records) == i->most;
    return !i->more;
}

static bool see(void *user, const char *journal, const mlp_record *r)
{
    inspection *i = user;
    if (!room(i))
        return false;
    json_t *record =
        json_pack("{s:s, s:o, s:I, s:s, s:o, s:o, s:o}", "state", "waiting", "journal", mlp_json_string(journal), "seq",
                  (json_int_t)r->seq, "kind", mlp_record_kind_name(r->kind), "run_id",
                  shown_part(r->run_id, r->run_id_n), "key", shown_part(r->key, r->key_n), "value", value_of(r));
    i->status = mlp_json_push(i->records, record, i->err);
    if (i->status == MLPLAT_OK && r->kind == MLP_RECORD_METRIC)
        i->status = mlp_json_set(record, "step", json_integer((json_int_t)r->step), i->err);
    if (i->status == MLPLAT_OK && r->kind == MLP_RECORD_METRIC)
        i->status = mlp_json_set(record, "timestamp", json_integer((json_int_t)r->timestamp_ms), i->err);
    return i->status == MLPLAT_OK;
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

/* As the file has it, but for secrets. */
static mlplat_status add_letter(inspection *i, json_t *letter)
{
    static const char *const texts[] = {"run_id", "key", "reason"};
    const char *key = json_string_value(json_object_get(letter, "key"));
    const char *value = json_string_value(json_object_get(letter, "value"));
    mlplat_status s = mlp_json_set(letter, "state", json_string("dead"), i->err);
    if (s == MLPLAT_OK && value)
        s = mlp_json_set(letter, "value", shown(key, value), i->err);
    for (size_t k = 0; s == MLPLAT_OK && k < sizeof texts / sizeof texts[0]; k++) {
        const char *text = json_string_value(json_object_get(letter, texts[k]));
        if (text)
            s = mlp_json_set(letter, texts[k], shown("", text), i->err);
    }
    return s == MLPLAT_OK ? mlp_json_push(i->records, json_incref(letter), i->err) : s;
}

static mlplat_status add_letters(inspection *i, mlp_spool *sp)
{
    size_t k;
    json_t *letter, *letters = json_array();
    mlplat_status s = letters ? mlp_deadletter_list(sp, letters, i->err) : mlp_fail_memory(i->err);
    json_array_foreach(letters, k, letter)
    {
        const char *run = json_string_value(json_object_get(letter, "run_id"));
        if (s != MLPLAT_OK || (i->run_id && strcmp(run, i->run_id) != 0))
            continue;
        if (!room(i))
            break;
        s = add_letter(i, letter);
    }
    json_decref(letters);
    return s;
}

mlplat_status mlp_spool_inspect(mlp_spool *sp, const char *what, const char *run_id, size_t most, json_t **out,
                                mlplat_error *err)
{
    inspection i = {.records = json_array(), .run_id = run_id, .most = most, .err = err};
    bool dead = !what || strcmp(what, "dead") == 0, waiting = !what || strcmp(what, "waiting") == 0;
    *out = NULL;
    mlplat_status status = i.records ? mlp_spool_usable(sp, err) : mlp_fail_memory(err);
    if (status == MLPLAT_OK && dead)
        status = add_letters(&i, sp);
    if (status == MLPLAT_OK && waiting && !i.more)
        status = mlp_scan_waiting(sp, run_id, see, &i, err);
    status = status == MLPLAT_OK ? i.status : status;
    if (status == MLPLAT_OK)
        *out = json_pack("{s:O, s:b}", "records", i.records, "more", i.more);
    json_decref(i.records);
    return status != MLPLAT_OK || *out ? status : mlp_fail_memory(err);
}
