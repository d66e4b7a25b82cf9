#include "spool/metric_origin.h"
#include <string.h>

/* Up to the next NUL or the end; *at moves behind it. */
static const char *part(const char **at, const char *end, size_t *n)
{
    const char *begin = *at, *nul = begin < end ? memchr(begin, 0, (size_t)(end - begin)) : NULL;
    *n = (size_t)((nul ? nul : end) - begin);
    *at = nul ? nul + 1 : end;
    return begin;
}

void mlp_metric_origin_get(const mlp_record *record, mlp_metric_origin *out)
{
    *out = (mlp_metric_origin){0};
    if (!record->text_n)
        return;
    const char *at = record->text, *end = record->text + record->text_n;
    out->model_id = part(&at, end, &out->model_id_n);
    out->dataset_name = part(&at, end, &out->dataset_name_n);
    out->dataset_digest = part(&at, end, &out->dataset_digest_n);
}

mlplat_status mlp_metric_origin_put(const char *model_id, const char *dataset_name, const char *dataset_digest,
                                    json_t *keep, mlp_record *record, mlplat_error *err)
{
    mlp_buf text = {0};
    mlp_buf_puts(&text, model_id);
    mlp_buf_putc(&text, 0);
    mlp_buf_puts(&text, dataset_name ? dataset_name : "");
    mlp_buf_putc(&text, 0);
    mlp_buf_puts(&text, dataset_digest ? dataset_digest : "");
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(keep, json_stringn(text.data, text.size), err);
    mlp_buf_free(&text);
    if (s == MLPLAT_OK) {
        const json_t *kept = json_array_get(keep, json_array_size(keep) - 1);
        record->text = json_string_value(kept);
        record->text_n = json_string_length(kept);
    }
    return s;
}
