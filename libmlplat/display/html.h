/* What the pages share: a document's inside, the table of runs, a run's times. */
#ifndef MLP_HTML_H
#define MLP_HTML_H
#include "base/hook.h"
#include "display/markup.h"
#include <mlplat/display.h>

/* The document if it is an object with a member of this name and type (key NULL: any object); INVALID names kind. */
mlplat_status mlp_html_take(const mlplat_doc *doc, const char *key, json_type type, const char *kind,
                            const json_t **out, mlplat_error *err);
const char *mlp_html_run_name(const json_t *run);
/* Seconds from start to end, of a run that goes on to now; negative: not known. */
double mlp_html_run_seconds(const json_t *run);
bool mlp_html_is_internal(const char *key); /* a tag of MLflow's own */
void mlp_html_time_fact(mlp_buf *out, const char *label, int64_t ms);

/* Runs as rows, the commonest metrics and params as columns, within the page less reserve. */
mlplat_status mlp_html_runs(mlp_buf *out, const json_t *runs, size_t reserve, mlplat_error *err);

/* Is the lower value of this metric the better one? -1: lower, 1: higher, 0: it does not say. */
int mlp_html_better(const char *metric);
/* Adds one for key to a table of counts, which keeps the order of first appearance. */
mlplat_status mlp_html_count(json_t *counts, const char *key, mlplat_error *err);
/* Of a table of counts the n commonest, in the order of the table; lent by it. Returns how many. */
size_t mlp_html_commonest(const json_t *counts, size_t n, const char **out);
/* The member of [{"key", ...}] of this key; NULL: none. */
const json_t *mlp_html_find(const json_t *list, const char *key);

#endif
