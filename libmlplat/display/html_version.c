/* A model version. */
#include "base/err.h"
#include "display/html.h"
#include <mlplat/artifacts.h>
#include <stdio.h>
#include <string.h>

enum { SIGNATURE_RESERVE = 14000, TAGS_RESERVE = 1000 };

/* ---- the signature ----------------------------------------------------------------------------------------------- */

/* {"name", "type": "double"}, or a tensor: {"type": "tensor", "tensor-spec": {"dtype", "shape": [-1, 4]}} */
static void put_type(mlp_buf *out, const json_t *column)
{
    const json_t *tensor = json_object_get(column, "tensor-spec"), *shape = json_object_get(tensor, "shape");
    size_t i;
    json_t *length;
    mlp_markup_text(out, tensor ? mlp_markup_string(tensor, "dtype") : mlp_markup_string(column, "type"), 40);
    if (!json_is_array(shape))
        return;
    mlp_buf_puts(out, " (");
    json_array_foreach((json_t *)shape, i, length)
    {
        if (i == 8)
            break;
        mlp_buf_printf(out, "%s%lld", i ? ", " : "", (long long)json_integer_value(length));
    }
    mlp_buf_puts(out, ")");
}

static void put_column(mlp_buf *row, const char *part, const json_t *column)
{
    const char *name = mlp_markup_string(column, "name");
    const json_t *required = json_object_get(column, "required");
    mlp_buf_clear(row);
    mlp_buf_printf(row, "<tr><td class=\"m\">%s</td><td>", part);
    mlp_markup_value(row, *name ? name : "-", MLP_MARKUP_NAME);
    mlp_buf_puts(row, "</td><td>");
    put_type(row, column);
    mlp_buf_printf(row, "</td><td class=\"m\">%s</td></tr>", json_is_false(required) ? "optional" : "");
}

/* Each part of a signature is JSON in a string. */
static void put_part(mlp_buf *out, const json_t *signature, const char *key, const char *part, size_t *left)
{
    const char *text = mlp_markup_string(signature, key);
    json_t *columns = NULL, *column;
    size_t i;
    mlp_buf row = {0};
    mlplat_status s = *text ? mlp_json_parse(text, strlen(text), &columns, NULL) : MLPLAT_NOT_FOUND;
    out->failed = out->failed || s == MLPLAT_NO_MEMORY;
    if (s != MLPLAT_OK)
        return;
    json_array_foreach(columns, i, column)
    {
        put_column(&row, part, column);
        if (!mlp_markup_fits(out, &row, SIGNATURE_RESERVE))
            break;
    }
    *left += json_array_size(columns) - (json_is_array(columns) ? i : 0);
    mlp_buf_free(&row);
    json_decref(columns);
}

/* A model whose directory cannot be read is shown without. */
static mlplat_status put_signature(mlp_buf *out, mlplat *ml, const json_t *version, mlplat_error *err)
{
    mlplat_doc *model = NULL;
    mlplat_error passing = {0};
    mlp_buf uri = {0};
    size_t left = 0;
    mlp_buf_printf(&uri, "models:/%s/%s", mlp_markup_string(version, "name"), mlp_markup_string(version, "version"));
    mlplat_status s = mlp_buf_ok(&uri, &passing);
    if (s == MLPLAT_OK)
        s = mlplat_model_info(ml, uri.data, &model, &passing);
    const json_t *signature = model ? json_object_get(mlp_doc_json(model), "signature") : NULL;
    if (json_is_object(signature)) {
        mlp_markup_section(out, "Signature", 0);
        mlp_buf_puts(out, "<table><tbody>");
        put_part(out, signature, "inputs", "input", &left);
        put_part(out, signature, "outputs", "output", &left);
        put_part(out, signature, "params", "param", &left);
        mlp_buf_puts(out, "</tbody></table>");
        mlp_markup_more(out, left, "columns");
    }
    mlplat_doc_free(model);
    mlp_buf_free(&uri);
    if (s != MLPLAT_CANCELLED && s != MLPLAT_NO_MEMORY)
        return MLPLAT_OK;
    if (err)
        *err = passing;
    return s;
}

/* ---- the version ------------------------------------------------------------------------------------------------- */

static void put_heading(mlp_buf *out, const json_t *version)
{
    const char *stage = mlp_markup_string(version, "current_stage");
    size_t i;
    json_t *alias;
    mlp_buf_puts(out, "<div class=\"h\"><span class=\"k\">model version</span><b>");
    mlp_markup_value(out, mlp_markup_string(version, "name"), MLP_MARKUP_NAME);
    mlp_buf_puts(out, "</b><b>v");
    mlp_markup_text(out, mlp_markup_string(version, "version"), 20);
    mlp_buf_puts(out, "</b>");
    if (*stage && strcmp(stage, "None") != 0)
        mlp_markup_state(out, stage);
    json_array_foreach(json_object_get(version, "aliases"), i, alias)
    {
        if (i == 12 || !json_is_string(alias))
            break;
        mlp_buf_puts(out, "<span class=\"s\" style=\"color:#8f6ed5;background:#8f6ed526\">@");
        mlp_markup_text(out, json_string_value(alias), 40);
        mlp_buf_puts(out, "</span>");
    }
    mlp_buf_puts(out, "</div>");
}

static void put_facts(mlp_buf *out, const json_t *version)
{
    const char *status = mlp_markup_string(version, "status");
    mlp_buf_puts(out, "<div class=\"f\">");
    mlp_html_time_fact(out, "created", mlp_markup_int(version, "creation_timestamp"));
    mlp_html_time_fact(out, "changed", mlp_markup_int(version, "last_updated_timestamp"));
    mlp_markup_fact(out, "status", strcmp(status, "READY") == 0 ? "" : status);
    mlp_markup_fact(out, "user", mlp_markup_string(version, "user_id"));
    mlp_markup_fact(out, "run", mlp_markup_string(version, "run_id"));
    mlp_markup_fact(out, "source", mlp_markup_string(version, "source"));
    mlp_buf_puts(out, "</div>");
    if (*mlp_markup_string(version, "description")) {
        mlp_buf_puts(out, "<div>");
        mlp_markup_text(out, mlp_markup_string(version, "description"), MLP_MARKUP_HINT);
        mlp_buf_puts(out, "</div>");
    }
}

mlplat_status mlplat_model_version_html(mlplat *ml, const mlplat_doc *doc, char **out, mlplat_error *err)
{
    const json_t *version;
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = mlp_html_take(doc, "version", JSON_STRING, "model version", &version, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_markup_begin(&page);
    put_heading(&page, version);
    put_facts(&page, version);
    if (ml)
        s = put_signature(&page, ml, version, err);
    mlp_markup_pairs(&page, "Tags", json_object_get(version, "tags"), true, TAGS_RESERVE, mlp_html_is_internal);
    return mlp_markup_finish(&page, s, out, err);
}
