/* The spool's numbers as text for Prometheus (its format of exposition, version 0.0.4). */
#include "spool/spool.h"
#include <inttypes.h>
#include <string.h>

typedef struct row {
    const char *member, *name, *type, *help;
} row;

static const row rows[] = {
    {"waiting", "waiting_records", "gauge", "Records of all programs that are not in the store yet."},
    {"bytes", "waiting_bytes", "gauge", "What the journals take on the disk."},
    {"oldest_ms", "oldest_seconds", "gauge", "Age of the oldest record that waits."},
    {"dead", "dead_records", "gauge", "Records that the store refused, which were set aside."},
    {"quota", "quota_bytes", "gauge", "What the journals may take on the disk; 0: any."},
    {"accepted", "accepted_total", "counter", "Records that this program accepted."},
    {"stored", "delivered_total", "counter", "Of these, those that are in the store."},
    {"dropped", "dropped_total", "counter", "Of these, those that made room at the quota."},
    {"refused", "refused_total", "counter", "Calls of this program that the quota refused."},
    {"blocked", "blocked_total", "counter", "Calls of this program that waited for room."},
};

static void add_label(mlp_buf *out, const char *name, const char *value)
{
    mlp_buf_printf(out, "%s=\"", name);
    for (; *value; value++)
        if (*value == '\n')
            mlp_buf_printf(out, "\\n");
        else
            mlp_buf_printf(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    mlp_buf_putc(out, '"');
}

static void add_head(mlp_buf *out, const char *name, const char *type, const char *help)
{
    mlp_buf_printf(out, "# HELP mlplat_spool_%s %s\n# TYPE mlplat_spool_%s %s\n", name, help, name, type);
}

static void add_row(mlp_buf *out, const row *r, const char *store, int64_t value)
{
    add_head(out, r->name, r->type, r->help);
    mlp_buf_printf(out, "mlplat_spool_%s{", r->name);
    add_label(out, "store", store);
    if (strcmp(r->member, "oldest_ms") == 0)
        mlp_buf_printf(out, "} %" PRId64 ".%03d\n", value / 1000, (int)(value % 1000));
    else
        mlp_buf_printf(out, "} %" PRId64 "\n", value);
}

/* Each state has its line, also with none in it: a series that comes and goes cannot be watched. */
static void add_journals(mlp_buf *out, const json_t *journals, const char *store)
{
    static const char *const states[] = {"open", "busy", "orphan", "damaged"};
    add_head(out, "journals", "gauge", "Journals, by what became of their program.");
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        size_t i, n = 0;
        const json_t *journal;
        json_array_foreach(journals, i, journal)
        {
            n += strcmp(json_string_value(json_object_get(journal, "state")), states[k]) == 0;
        }
        mlp_buf_printf(out, "mlplat_spool_journals{");
        add_label(out, "store", store);
        mlp_buf_putc(out, ',');
        add_label(out, "state", states[k]);
        mlp_buf_printf(out, "} %zu\n", n);
    }
}

mlplat_status mlp_spool_prometheus(mlp_spool *sp, mlp_buf *out, mlplat_error *err)
{
    json_t *status = NULL;
    mlplat_status s = mlp_spool_status(sp, &status, err);
    if (s != MLPLAT_OK)
        return s;
    const char *store = json_string_value(json_object_get(status, "store"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        add_row(out, &rows[i], store, json_integer_value(json_object_get(status, rows[i].member)));
    add_journals(out, json_object_get(status, "journals"), store);
    json_decref(status);
    return mlp_buf_ok(out, err);
}
