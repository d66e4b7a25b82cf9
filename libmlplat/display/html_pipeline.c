/* The result of a pipeline run: its tasks, and when each of them ran. */
#include "display/decimate.h"
#include "display/html.h"
#include <math.h>
#include <string.h>

enum { BAR = 240, ROW_RESERVE = 1500, OUTPUTS = 160 };

/* From the first start to the last end, in milliseconds since 1970; to <= from: not known. */
typedef struct span {
    double from, to;
} span;

static double seconds_of(const json_t *task)
{
    double seconds;
    return mlp_markup_double(task, "seconds", &seconds) && seconds >= 0 && seconds < 1e9 ? seconds : 0;
}

static span span_of(const json_t *tasks)
{
    span all = {(double)INFINITY, 0};
    size_t i;
    json_t *task;
    json_array_foreach((json_t *)tasks, i, task)
    {
        double start = (double)mlp_markup_int(task, "start_time");
        if (start <= 0)
            continue;
        all.from = fmin(all.from, start);
        all.to = fmax(all.to, start + seconds_of(task) * 1000);
    }
    return all;
}

static void put_bar(mlp_buf *row, const json_t *task, const span *all)
{
    double start = (double)mlp_markup_int(task, "start_time"), whole = all->to - all->from;
    if (start <= 0 || !(whole > 0))
        return;
    double from = (start - all->from) / whole * BAR, width = fmax(seconds_of(task) * 1000 / whole * BAR, 2);
    from = fmin(from, BAR - 2);
    width = fmin(width, BAR - from);
    mlp_buf_printf(row,
                   "<svg width=\"%d\" height=\"14\"><path stroke=\"currentColor\" stroke-opacity=\".15\" "
                   "d=\"M0 7h%d\"/><rect y=\"2\" height=\"10\" rx=\"3\" fill=\"%s\" x=\"",
                   BAR, BAR, mlp_markup_state_colour(mlp_markup_string(task, "state")));
    mlp_decimate_tenths(row, lround(from * 10), false);
    mlp_buf_puts(row, "\" width=\"");
    mlp_decimate_tenths(row, lround(width * 10), false);
    mlp_buf_puts(row, "\"/></svg>");
}

/* "rows=120, threshold=0.5", and the names of artifacts. */
static void put_outputs(mlp_buf *row, const json_t *task)
{
    const json_t *outputs = json_object_get(task, "outputs");
    const char *name;
    json_t *value;
    mlp_buf text = {0};
    json_object_foreach(json_object_get(outputs, "parameters"), name, value)
    {
        if (text.size > OUTPUTS * 4)
            break;
        mlp_buf_printf(&text, "%s%s = ", text.size ? ", " : "", name);
        if (json_is_string(value))
            mlp_buf_puts(&text, json_string_value(value));
        else if (mlp_json_text(value, &text, NULL) != MLPLAT_OK)
            text.failed = true;
    }
    json_object_foreach(json_object_get(outputs, "artifacts"), name, value)
    {
        if (text.size <= OUTPUTS * 4)
            mlp_buf_printf(&text, "%s%s", text.size ? ", " : "", name);
    }
    if (text.size)
        mlp_markup_value(row, text.data, OUTPUTS);
    row->failed |= text.failed;
    mlp_buf_free(&text);
}

static void put_task(mlp_buf *row, const json_t *task, const span *all)
{
    const char *error = mlp_markup_string(task, "error");
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td>");
    mlp_markup_value(row, mlp_markup_string(task, "name"), MLP_MARKUP_NAME);
    if (*error) {
        mlp_buf_puts(row, "<div class=\"e\">");
        mlp_markup_value(row, error, MLP_MARKUP_VALUE * 2);
        mlp_buf_puts(row, "</div>");
    }
    mlp_buf_puts(row, "</td><td>");
    mlp_markup_state(row, mlp_markup_string(task, "state"));
    mlp_buf_puts(row, "</td><td class=\"n\">");
    if (seconds_of(task) > 0)
        mlp_markup_duration(row, seconds_of(task));
    mlp_buf_puts(row, "</td><td>");
    put_bar(row, task, all);
    mlp_buf_puts(row, "</td><td>");
    put_outputs(row, task);
    mlp_buf_puts(row, "</td></tr>");
}

static void put_tasks(mlp_buf *out, const json_t *tasks)
{
    span all = span_of(tasks);
    size_t i, shown = 0, n = json_array_size(tasks);
    json_t *task;
    mlp_buf row = {0};
    mlp_buf_puts(out, "<table><thead><tr><th>task</th><th></th><th class=\"n\">took</th><th>");
    if (all.to > all.from) {
        mlp_buf_puts(out, "of ");
        mlp_markup_duration(out, (all.to - all.from) / 1000);
    }
    mlp_buf_puts(out, "</th><th>outputs</th></tr></thead><tbody>");
    json_array_foreach((json_t *)tasks, i, task)
    {
        put_task(&row, task, &all);
        if (!mlp_markup_fits(out, &row, ROW_RESERVE))
            break;
        shown++;
    }
    mlp_buf_puts(out, "</tbody></table>");
    mlp_markup_more(out, n - shown, "tasks");
    mlp_buf_free(&row);
}

mlplat_status mlplat_pipeline_run_html(const mlplat_doc *doc, char **out, mlplat_error *err)
{
    const json_t *result;
    mlp_buf page = {0};
    *out = NULL;
    mlplat_status s = mlp_html_take(doc, "tasks", JSON_ARRAY, "result of a pipeline run", &result, err);
    if (s != MLPLAT_OK)
        return s;
    const char *error = mlp_markup_string(result, "error");
    mlp_markup_begin(&page);
    mlp_markup_heading(&page, "pipeline run", mlp_markup_string(result, "pipeline"), mlp_markup_string(result, "state"),
                       mlp_markup_string(result, "run_id"));
    if (*error) {
        mlp_buf_puts(&page, "<div class=\"e\">");
        mlp_markup_text(&page, error, MLP_MARKUP_HINT);
        mlp_buf_puts(&page, "</div>");
    }
    put_tasks(&page, json_object_get(result, "tasks"));
    return mlp_markup_finish(&page, s, out, err);
}
