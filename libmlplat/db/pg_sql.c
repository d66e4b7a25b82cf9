/* From the SQL that all engines share to PostgreSQL's: parameters are $1, rowid is ctid, BINARY is the collation "C".
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "db/pg_inside.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Is the word here, whole? */
static bool is_word(const char *start, const char *at, const char *word)
{
    size_t n = strlen(word);
    return strncmp(at, word, n) == 0 && !in_word(at[n]) && (at == start || !in_word(at[-1]));
}

/* The place behind a text in quotes. */
static const char *quoted_end(const char *at)
{
    const char *end = strchr(at + 1, *at);
    return end ? end + 1 : at + strlen(at);
}

static const char *put_parameter(mlp_buf *out, const char *at, int *n)
{
    char *end = NULL;
    int number = (int)strtol(at + 1, &end, 10);
    if (end == at + 1)
        number = *n + 1;
    if (number > *n)
        *n = number;
    mlp_buf_printf(out, "$%d", number);
    return end;
}

char *mlp_pg_sql(const char *sql, int *n)
{
    static const struct {
        const char *word, *ours;
    } words[] = {{"rowid", "ctid"}, {"BINARY", "\"C\""}};
    mlp_buf out = {0};
    *n = 0;
    for (const char *at = sql, *next; *at; at = next) {
        size_t i = 0;
        next = at + 1;
        while (i < 2 && !is_word(sql, at, words[i].word))
            i++;
        if (*at == '\'' || *at == '"') {
            next = quoted_end(at);
            mlp_buf_add(&out, at, (size_t)(next - at));
        } else if (*at == '?') {
            next = put_parameter(&out, at, n);
        } else if (i < 2) {
            next = at + strlen(words[i].word);
            mlp_buf_puts(&out, words[i].ours);
        } else {
            mlp_buf_putc(&out, *at);
        }
    }
    return mlp_buf_take(&out);
}
