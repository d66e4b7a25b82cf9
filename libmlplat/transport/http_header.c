#include "transport/http_header.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "transport/secret.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define BLANKS    " \t\r\n"
#define OF_A_NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

void mlp_header_add(mlp_buf *headers, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n), *end = line + n;
    if (!colon || colon == line)
        return;
    for (const char *at = line; at < colon; at++)
        mlp_buf_putc(headers, (char)tolower((unsigned char)(*at ? *at : '?')));
    mlp_buf_putc(headers, 0);
    for (colon++; colon < end && strchr(BLANKS, *colon);)
        colon++;
    while (end > colon && strchr(BLANKS, end[-1]))
        end--;
    for (; colon < end; colon++)
        mlp_buf_putc(headers, *colon);
    mlp_buf_putc(headers, 0);
}

const char *mlp_header_find(const mlp_buf *headers, const char *name)
{
    const char *at = headers->data, *end = at ? at + headers->size : NULL, *found = NULL;
    while (at && at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            found = value;
        at = value + strlen(value) + 1;
    }
    return found;
}

int mlp_header_status(const char *line, size_t n)
{
    const char *space = memchr(line, ' ', n);
    if (n < 12 || strncasecmp(line, "HTTP/", 5) != 0 || !space || line + n - space < 4)
        return 0;
    for (int i = 1; i <= 3; i++)
        if (!isdigit((unsigned char)space[i]))
            return 0;
    return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

mlplat_status mlp_header_push(mlp_header_lines *lines, char *line, mlplat_error *err)
{
    size_t room = sizeof lines->line / sizeof lines->line[0];
    if (!line)
        return mlp_fail_memory(err);
    if (lines->n == room) {
        mlp_secret_free(line);
        return mlp_fail(err, MLPLAT_INVALID, "a request has more than %zu headers", room);
    }
    lines->line[lines->n++] = line;
    return MLPLAT_OK;
}

mlplat_status mlp_header_push_pair(mlp_header_lines *lines, const mlp_http_header *header, mlplat_error *err)
{
    bool named = *header->name && !header->name[strspn(header->name, OF_A_NAME)];
    if (!named)
        return mlp_fail(err, MLPLAT_INVALID, "a header's name has a character that none may have");
    if (!mlp_secret_fits_header(header->value))
        return mlp_fail(err, MLPLAT_INVALID, "the value of the header %.60s has a control character", header->name);
    return mlp_header_push(
        lines, *header->value ? mlp_sprintf("%s: %s", header->name, header->value) : mlp_sprintf("%s;", header->name),
        err);
}

void mlp_header_lines_free(mlp_header_lines *lines)
{
    while (lines->n)
        mlp_secret_free(lines->line[--lines->n]);
}
