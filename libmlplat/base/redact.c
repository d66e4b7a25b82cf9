/* Hiding secrets in what people read. It is better to hide too much than too little, but plain words must stay
 * readable. */
#include "base/log.h"
#include "base/text.h"
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Replaces n bytes at `at` by as many of "***" as fit; returns where the text goes on. */
static char *hide(char *at, size_t n)
{
    size_t stars = n < 3 ? n : 3;
    memset(at, '*', stars);
    memmove(at + stars, at + n, strlen(at + n) + 1);
    return at + stars;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* scheme://user:password@host. A password with a slash in it is not a URI any more, but it is a secret still. */
static void hide_userinfo(char *text)
{
    for (char *at = strstr(text, "://"); at; at = strstr(at, "://")) {
        at += 3;
        size_t authority = strcspn(at, "/?#\\ \t\r\n\"'<>");
        size_t word = strcspn(at, " \t\r\n\"'<>");
        char *colon = memchr(at, ':', authority);
        size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
        bool port = !colon || colon + 1 + digits == at + authority;
        char *sign = mlp_text_last(at, '@', port ? authority : word);
        if (sign)
            at = hide(at, (size_t)(sign - at));
    }
}

/* Ends of names whose value is a secret. After ":" a name must say more than "key": {"key": "loss"} is a metric. */
static const struct {
    const char *end;
    bool colon, line; /* also before ":"; the value goes to the end of the line */
} secret_names[] = {
    {"password", true, false},      {"passwd", true, false},      {"passphrase", true, false},
    {"pwd", true, false},           {"token", true, false},       {"secret", true, false},
    {"authorization", true, true},  {"api_key", true, false},     {"apikey", true, false},
    {"api-key", true, false},       {"access_key", true, false},  {"accesskey", true, false},
    {"secret_key", true, false},    {"secretkey", true, false},   {"private_key", true, false},
    {"access_key_id", true, false}, {"accesskeyid", true, false}, {"signature", true, false},
    {"credential", true, false},    {"key", false, false},        {"sig", false, false},
};

static int secret_name(const char *text, const char *end, bool colon)
{
    for (size_t i = 0; i < sizeof secret_names / sizeof secret_names[0]; i++) {
        size_t n = strlen(secret_names[i].end);
        if ((size_t)(end - text) >= n && strncasecmp(end - n, secret_names[i].end, n) == 0 &&
            (!colon || secret_names[i].colon))
            return (int)i;
    }
    return -1;
}

/* Bytes up to the closing quote; in JSON inside JSON the quotes themselves are escaped. */
static size_t quoted_length(const char *at, char quote, bool escaped)
{
    size_t n = 0;
    while (at[n] && at[n] != quote)
        n += at[n] == '\\' && at[n + 1] && !(escaped && at[n + 1] == quote) ? 2 : 1;
    return n - (escaped && n && at[n] && at[n - 1] == '\\');
}

/* The value that starts at `at`, in quotes or not. */
static char *hide_value(char *at, bool line)
{
    at += strspn(at, " \t");
    bool escaped = at[0] == '\\' && (at[1] == '"' || at[1] == '\'');
    at += escaped;
    bool quoted = *at == '"' || *at == '\'';
    size_t n = quoted ? quoted_length(at + 1, *at, escaped) : strcspn(at, line ? "\r\n\"" : " \t\r\n&,;\"')}]");
    at += quoted;
    return n ? hide(at, n) : at;
}

static void hide_values(char *text)
{
    for (char *at = text; (at = strpbrk(at, "=:"));) {
        char *end = at;
        while (end > text && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '\'' || end[-1] == '\\'))
            end--;
        bool colon = *at++ == ':';
        int name = secret_name(text, end, colon);
        if (name >= 0)
            at = hide_value(at, secret_names[name].line);
    }
}

/* What looks like a secret by itself. */
static void hide_tokens(char *text)
{
    for (char *at = text; *at; at++) {
        if (at > text && is_word(at[-1]))
            continue;
        if (strncmp(at, "AKIA", 4) == 0 || strncmp(at, "ASIA", 4) == 0) {
            size_t upper = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
            if (upper == 20)
                hide(at, upper);
        } else if (strncmp(at, "eyJ", 3) == 0) {
            size_t dots = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
            if (dots > 30 && memchr(at, '.', dots))
                hide(at, dots);
        }
    }
}

/* "Bearer x" and "Basic x", but not "bearer token" in a sentence. */
static void hide_scheme(char *text, const char *scheme)
{
    static const char *const words[] = {"token",         "tokens",      "auth",  "authentication",
                                        "authorization", "credentials", "access"};
    size_t n = strlen(scheme);
    for (char *at = text; (at = strcasestr(at, scheme));) {
        at += n;
        size_t value = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+/=-");
        bool word = (at - text) > (ptrdiff_t)n && is_word(at[-(ptrdiff_t)n - 1]);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            word = word || (strlen(words[i]) == value && strncasecmp(at, words[i], value) == 0);
        if (value && !word)
            at = hide(at, value);
    }
}

void mlp_redact(char *text)
{
    hide_userinfo(text);
    hide_values(text);
    hide_scheme(text, "bearer ");
    hide_scheme(text, "basic ");
    hide_tokens(text);
}
