/* The frame of a piece of HTML: style sheet, heading, facts, tables of pairs, and the limit. */
#include "base/err.h"
#include "base/text.h"
#include "display/markup.h"
#include <mlplat/display.h>
#include <string.h>

/* Colours are those of the page around it, paler or translucent, and some that read on white and on black alike. The
 * class three times wins over the notebook's own rules for tables. */
static const char sheet[] =
    "<style>.mlplat{font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:inherit;max-width:1000px;"
    "overflow-x:auto;padding:2px}"
    ".mlplat .h{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 10px;margin:2px 0 6px}"
    ".mlplat .h b{font-size:16px;font-weight:600}"
    ".mlplat .k{font-size:11px;letter-spacing:.06em;text-transform:uppercase;opacity:.65}"
    ".mlplat .s{font-size:11px;font-weight:600;padding:1px "
    "8px;border-radius:9px;letter-spacing:.02em;white-space:nowrap}"
    ".mlplat code,.mlplat .i{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:none;padding:0;"
    "color:inherit}"
    ".mlplat .i,.mlplat .m{opacity:.65}"
    ".mlplat .f{display:flex;flex-wrap:wrap;gap:4px 28px;margin:0 0 8px}"
    ".mlplat .f div{min-width:0}.mlplat .f .k{display:block}"
    ".mlplat .t,.mlplat summary{font-size:12px;font-weight:600;margin:10px 0 3px}"
    ".mlplat summary{cursor:pointer}"
    ".mlplat.mlplat.mlplat table{border-collapse:collapse;border:0;margin:0;font:inherit;color:inherit;width:auto;"
    "table-layout:auto}"
    ".mlplat.mlplat.mlplat tr{background:none;color:inherit}"
    ".mlplat.mlplat.mlplat tbody tr:hover{background:rgba(128,128,128,.1)}"
    ".mlplat.mlplat.mlplat td,.mlplat.mlplat.mlplat th{padding:3px 14px 3px 0;text-align:left;vertical-align:middle;"
    "border:0;border-bottom:1px solid rgba(128,128,128,.22);background:none;color:inherit;max-width:380px;"
    "overflow-wrap:anywhere;white-space:normal;unicode-bidi:isolate;font-size:13px;line-height:1.4}"
    ".mlplat.mlplat.mlplat th{font-weight:500;font-size:12px;opacity:.72}"
    ".mlplat.mlplat.mlplat td.n,.mlplat.mlplat.mlplat th.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    ".mlplat.mlplat.mlplat .c td,.mlplat.mlplat.mlplat .c th{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;"
    "max-width:220px}"
    ".mlplat.mlplat.mlplat th.o{opacity:1}"
    ".mlplat.mlplat.mlplat td.b{font-weight:700;color:#1f9d57}"
    ".mlplat .g{display:flex;flex-wrap:wrap;gap:12px 20px}"
    ".mlplat svg{display:block;max-width:100%;height:auto}.mlplat .l svg{display:inline-block;vertical-align:middle}"
    ".mlplat .d{display:inline-block;width:9px;height:9px;border-radius:5px;margin-right:6px}"
    ".mlplat .e{color:#d1495b;white-space:pre-wrap}</style>";

void mlp_markup_begin(mlp_buf *out)
{
    mlp_buf_puts(out, "<div class=\"mlplat\">");
    mlp_buf_puts(out, sheet);
}

const char *mlp_markup_state_colour(const char *state)
{
    static const struct {
        const char *state, *colour;
    } colours[] = {{"FINISHED", "#1f9d57"}, {"SUCCEEDED", "#1f9d57"}, {"READY", "#1f9d57"},  {"Production", "#1f9d57"},
                   {"RUNNING", "#3b82d6"},  {"Staging", "#3b82d6"},   {"FAILED", "#d1495b"}, {"KILLED", "#d9822b"},
                   {"CANCELED", "#d9822b"}, {"deleted", "#d1495b"},   {"active", "#1f9d57"}};
    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
        if (strcmp(state, colours[i].state) == 0)
            return colours[i].colour;
    return "#868e96";
}

void mlp_markup_state(mlp_buf *out, const char *state)
{
    const char *colour = mlp_markup_state_colour(state);
    mlp_buf_printf(out, "<span class=\"s\" style=\"color:%s;background:%s26\">", colour, colour);
    mlp_markup_text(out, state, 24);
    mlp_buf_puts(out, "</span>");
}

void mlp_markup_heading(mlp_buf *out, const char *kind, const char *name, const char *state, const char *id)
{
    mlp_buf_printf(out, "<div class=\"h\"><span class=\"k\">%s</span><b>", kind);
    mlp_markup_value(out, name, MLP_MARKUP_NAME + 20);
    mlp_buf_puts(out, "</b>");
    if (*state)
        mlp_markup_state(out, state);
    if (*id) {
        mlp_buf_puts(out, "<span class=\"i\">");
        mlp_markup_text(out, id, 80);
        mlp_buf_puts(out, "</span>");
    }
    mlp_buf_puts(out, "</div>");
}

void mlp_markup_fact(mlp_buf *out, const char *label, const char *value)
{
    mlp_buf piece = {0};
    if (!*value)
        return;
    mlp_buf_printf(&piece, "<div><span class=\"k\">%s</span>", label);
    mlp_markup_value(&piece, value, MLP_MARKUP_VALUE);
    mlp_buf_puts(&piece, "</div>");
    mlp_markup_fits(out, &piece, MLPLAT_HTML_LIMIT / 2); /* facts stand first: they leave room for the rest */
    mlp_buf_free(&piece);
}

void mlp_markup_section(mlp_buf *out, const char *title, size_t count)
{
    mlp_buf_printf(out, "<div class=\"t\">%s", title);
    if (count)
        mlp_buf_printf(out, " <span class=\"m\">%zu</span>", count);
    mlp_buf_puts(out, "</div>");
}

bool mlp_markup_fits(mlp_buf *out, const mlp_buf *piece, size_t reserve)
{
    if (piece->failed)
        out->failed = true;
    if (out->size + piece->size + reserve > MLPLAT_HTML_LIMIT)
        return false;
    mlp_buf_add(out, piece->data ? piece->data : "", piece->size);
    return true;
}

void mlp_markup_more(mlp_buf *out, size_t count, const char *what)
{
    if (count)
        mlp_buf_printf(out, "<div class=\"m\">and %zu more %s</div>", count, what);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void put_pair(mlp_buf *row, const json_t *pair)
{
    mlp_buf_clear(row);
    mlp_buf_puts(row, "<tr><td>");
    mlp_markup_value(row, mlp_markup_string(pair, "key"), MLP_MARKUP_NAME);
    mlp_buf_puts(row, "</td><td>");
    mlp_markup_value(row, mlp_markup_string(pair, "value"), MLP_MARKUP_VALUE);
    mlp_buf_puts(row, "</td></tr>");
}

static size_t count_shown(const json_t *list, bool (*hidden)(const char *))
{
    size_t i, n = 0;
    json_t *pair;
    json_array_foreach((json_t *)list, i, pair) n += !hidden || !hidden(mlp_markup_string(pair, "key"));
    return n;
}

void mlp_markup_pairs(mlp_buf *out, const char *title, const json_t *list, bool open, size_t reserve,
                      bool (*hidden)(const char *key))
{
    size_t i, n = count_shown(list, hidden), shown = 0;
    json_t *pair;
    mlp_buf row = {0};
    if (!n)
        return;
    mlp_buf_printf(out, "<details%s><summary>%s <span class=\"m\">%zu</span></summary><table><tbody>",
                   open ? " open" : "", title, n);
    json_array_foreach((json_t *)list, i, pair)
    {
        if (hidden && hidden(mlp_markup_string(pair, "key")))
            continue;
        put_pair(&row, pair);
        if (!mlp_markup_fits(out, &row, reserve))
            break;
        shown++;
    }
    mlp_buf_puts(out, "</tbody></table>");
    mlp_markup_more(out, n - shown, "of them");
    mlp_buf_puts(out, "</details>");
    mlp_buf_free(&row);
}

mlplat_status mlp_markup_finish(mlp_buf *out, mlplat_status s, char **text, mlplat_error *err)
{
    mlp_buf_puts(out, "</div>");
    if (s == MLPLAT_OK)
        s = mlp_buf_ok(out, err);
    if (s == MLPLAT_OK && !(*text = mlp_buf_take(out)))
        s = mlp_fail_memory(err);
    mlp_buf_free(out);
    return s;
}
