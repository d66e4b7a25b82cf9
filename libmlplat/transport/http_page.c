/* Web pages where an answer for programs was expected. */
#include "transport/http_inside.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static size_t blanks(const mlp_buf *body)
{
    size_t n = 0;
    while (n < body->size && isspace((unsigned char)body->data[n]))
        n++;
    return n;
}

static bool starts(const mlp_buf *body, size_t at, const char *word)
{
    size_t n = strlen(word);
    return body->size - at >= n && strncasecmp(body->data + at, word, n) == 0;
}

/* A body is searched up to its first NUL: pages have none. */
static void find_title(const mlp_buf *body, char title[80])
{
    const char *at = strcasestr(body->data, "<title"), *end;
    at = at ? strchr(at, '>') : NULL;
    end = at ? strchr(at, '<') : NULL;
    size_t n = 0;
    for (at = at ? at + 1 : NULL; end && at < end && n < 79; at++)
        if (!isspace((unsigned char)*at) || (n && title[n - 1] != ' '))
            title[n++] = isspace((unsigned char)*at) ? ' ' : *at;
    title[n] = 0;
}

static bool asks_who_we_are(const char *text)
{
    static const char *const words[] = {"type=\"password\"", "type='password'", "type=password", "log in", "login",
                                        "sign in",           "signin",          "sign-in",       "sso",    "oauth"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

bool mlp_http_page(const mlp_http_response *response, char title[80], bool *login)
{
    const char *type = mlp_http_response_header(response, "content-type");
    const mlp_buf *body = &response->body;
    size_t at = blanks(body);
    bool page = (type && strncasecmp(type, "text/html", 9) == 0) || starts(body, at, "<!doctype html") ||
                starts(body, at, "<html");
    if (page && title && body->size)
        find_title(body, title);
    if (login)
        *login = page && body->size && asks_who_we_are(body->data);
    return page;
}
