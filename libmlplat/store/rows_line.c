/* Lines of JSON, part by part. */
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "store/rows.h"
#include <inttypes.h>
#include <string.h>

void mlp_rows_open(mlp_rows *rows, const char *table)
{
    mlp_buf_clear(&rows->line);
    rows->in_tail = false;
    mlp_buf_puts(&rows->line, "{\"table\":\"");
    mlp_buf_puts(&rows->line, table);
    mlp_buf_putc(&rows->line, '"');
}

void mlp_rows_key(mlp_rows *rows, const char *key)
{
    mlp_buf_putc(&rows->line, ',');
    mlp_json_put_string(&rows->line, key, strlen(key));
    mlp_buf_putc(&rows->line, ':');
}

mlplat_status mlp_rows_text(mlp_rows *rows, const char *text, size_t n, mlplat_error *err)
{
    if (memchr(text, 0, n) || !mlp_text_utf8(text, n))
        return mlp_fail(err, MLPLAT_CORRUPT, "a row holds bytes that are not text: %.300s",
                        rows->line.failed ? "" : rows->line.data);
    mlp_json_put_string(&rows->line, text, n);
    return MLPLAT_OK;
}

mlplat_status mlp_rows_value(mlp_rows *rows, mlp_stmt *stmt, int i, mlplat_error *err)
{
    char number[32];
    const char *text;
    switch (mlp_stmt_col_type(stmt, i)) {
    case MLP_COL_NULL:
        mlp_buf_puts(&rows->line, "null");
        return MLPLAT_OK;
    case MLP_COL_INT:
        mlp_buf_printf(&rows->line, "%" PRId64, mlp_stmt_col_int(stmt, i));
        return MLPLAT_OK;
    case MLP_COL_DOUBLE:
        mlp_text_double(mlp_stmt_col_double(stmt, i), number);
        mlp_buf_puts(&rows->line, number);
        return MLPLAT_OK;
    case MLP_COL_TEXT:
        if (!(text = mlp_stmt_col_text(stmt, i)))
            return mlp_fail_memory(err);
        return mlp_rows_text(rows, text, mlp_stmt_col_bytes(stmt, i), err);
    default:
        return mlp_fail(err, MLPLAT_CORRUPT, "a row holds bytes where text belongs: %.300s", rows->line.data);
    }
}

void mlp_rows_tail(mlp_rows *rows)
{
    if (!rows->in_tail)
        rows->compared = rows->line.size;
    rows->in_tail = true;
}

mlplat_status mlp_rows_close(mlp_rows *rows, mlplat_error *err)
{
    mlp_rows_tail(rows);
    mlp_buf_putc(&rows->line, '}');
    mlplat_status s = mlp_buf_ok(&rows->line, err);
    return s == MLPLAT_OK ? rows->sink.line(rows->sink.ctx, rows->line.data, rows->line.size, rows->compared, err) : s;
}
