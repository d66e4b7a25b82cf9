/*
 * Which of a journal's tags a run has. A server has no transaction for us to keep that in, but the tags of one request
 * are stored together, so that a tag of our own among them tells it: "mlplat.mark.<journal>" = "<number of the last>".
 * It is read where we cannot know it ourselves: after a request whose answer did not come, and in journals of others.
 */
#include "base/err.h"
#include "base/text.h"
#include "tracking/tracking_http.h"
#include <stdio.h>
#include <string.h>

enum { KEY_ROOM = 80 };

static void key_of(const char *journal, char key[KEY_ROOM])
{
    snprintf(key, KEY_ROOM, MLP_MLFLOW_MARK "%.40s", journal);
}

/* {run: number} of a journal, and whether what is not in it is unknown. Lent; NULL: no memory. */
static json_t *runs_of(mlp_tracking_http_store *store, const char *journal)
{
    if (!store->marks && !(store->marks = json_object()))
        return NULL;
    if (!json_object_get(store->marks, journal))
        json_object_set_new(store->marks, journal, json_object());
    return json_object_get(store->marks, journal);
}

#define DOUBT "" /* is no run's id */
enum { STUCK = -1 };

static mlplat_status ask(mlp_tracking_http_store *store, const char *journal, const char *run_id, uint64_t *seq,
                         mlplat_error *err)
{
    char key[KEY_ROOM];
    size_t i;
    json_t *answer = NULL, *tag;
    key_of(journal, key);
    mlplat_status s = mlp_tracking_http_call(store, MLP_MLFLOW_GET_SINK, "runs/get",
                                             json_pack("{s:s}", "run_id", run_id), &answer, NULL, err);
    const json_t *data = json_object_get(json_object_get(answer, "run"), "data");
    json_array_foreach(json_object_get(data, "tags"), i, tag)
    {
        const char *value = json_string_value(json_object_get(tag, "value"));
        const char *name = json_string_value(json_object_get(tag, "key"));
        int64_t number = 0;
        if (name && value && strcmp(name, key) == 0 && mlp_text_int64(value, &number) && number > 0)
            *seq = (uint64_t)number;
    }
    json_decref(answer);
    return s;
}

mlplat_status mlp_tracking_http_mark_get(mlp_tracking_http_store *store, const char *journal, const char *run_id,
                                         uint64_t *seq, mlplat_error *err)
{
    json_t *runs = runs_of(store, journal);
    const json_t *known = json_object_get(runs, run_id);
    mlplat_status s = MLPLAT_OK;
    json_int_t number = json_integer_value(known);
    *seq = number > 0 ? (uint64_t)number : 0;
    if (!runs)
        return mlp_fail_memory(err);
    if (!known && json_object_get(runs, DOUBT))
        s = ask(store, journal, run_id, seq, err);
    if (s == MLPLAT_OK && !known)
        json_object_set_new(runs, run_id, json_integer((json_int_t)*seq));
    return s;
}

json_t *mlp_tracking_http_mark_tag(const char *journal, uint64_t seq)
{
    char key[KEY_ROOM], value[24];
    key_of(journal, key);
    snprintf(value, sizeof value, "%llu", (unsigned long long)seq);
    return json_pack("{s:s, s:s}", "key", key, "value", value);
}

void mlp_tracking_http_mark_set(mlp_tracking_http_store *store, const char *journal, const char *run_id, uint64_t seq)
{
    json_object_set_new(runs_of(store, journal), run_id, json_integer((json_int_t)seq));
}

bool mlp_tracking_http_mark_stuck(mlp_tracking_http_store *store, const char *journal, const char *run_id)
{
    return json_integer_value(json_object_get(runs_of(store, journal), run_id)) == STUCK;
}

/* Those before it that are stored may then be set again; better that than one that is lost. */
void mlp_tracking_http_mark_stick(mlp_tracking_http_store *store, const char *journal, const char *run_id)
{
    json_object_set_new(runs_of(store, journal), run_id, json_integer(STUCK));
}

void mlp_tracking_http_mark_doubt(mlp_tracking_http_store *store, const char *journal)
{
    json_t *runs = runs_of(store, journal), *seq;
    const char *run_id;
    void *next;
    json_object_foreach_safe(runs, next, run_id, seq)
    {
        if (json_integer_value(seq) != STUCK)
            json_object_del(runs, run_id);
    }
    json_object_set_new(runs, DOUBT, json_true());
}

void mlp_tracking_http_mark_forget(mlp_tracking_http_store *store, const char *journal)
{
    char key[KEY_ROOM];
    const char *run_id;
    json_t *seq;
    mlplat_error err = {0};
    key_of(journal, key);
    json_object_foreach(json_object_get(store->marks, journal), run_id, seq)
    {
        if (json_integer_value(seq) > 0 && !err.retryable) /* a server that is gone is not asked again */
            (void)mlp_tracking_http_call(store, MLP_MLFLOW_SINK, "runs/delete-tag",
                                         json_pack("{s:s, s:s}", "run_id", run_id, "key", key), NULL, NULL, &err);
    }
    json_object_del(store->marks, journal);
}
