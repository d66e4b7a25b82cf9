#include "transport/retry.h"
#include <ctype.h>
#include <string.h>

enum { DAY_S = 86400 };

typedef struct when {
    int64_t year;
    int month, day, hour, minute, second;
} when;

/* Moves over the text if it stands there. */
static bool skip(const char **at, const char *text)
{
    size_t n = strlen(text);
    bool there = strncmp(*at, text, n) == 0;
    *at += there ? n : 0;
    return there;
}

/* A number of just so many digits. */
static bool number(const char **at, int digits, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, ++*at) {
        if (!isdigit((unsigned char)**at))
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool month(const char **at, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (strncmp(*at, names + 3 * i, 3) == 0) {
            *out = i + 1;
            *at += 3;
            return true;
        }
    return false;
}

static bool clock_time(const char **at, when *out)
{
    return number(at, 2, &out->hour) && skip(at, ":") && number(at, 2, &out->minute) && skip(at, ":") &&
           number(at, 2, &out->second);
}

/* "06 Nov 1994 08:49:37 GMT", "06-Nov-94 08:49:37 GMT" behind the name of the day and its comma. */
static bool after_comma(const char *at, when *out)
{
    int year = 0;
    if (!number(&at, 2, &out->day) || !strchr(" -", *at) || !*at)
        return false;
    bool old = *at++ == '-';
    if (!month(&at, &out->month) || !skip(&at, old ? "-" : " ") || !number(&at, old ? 2 : 4, &year))
        return false;
    out->year = !old ? year : year < 70 ? 2000 + year : 1900 + year;
    return skip(&at, " ") && clock_time(&at, out) && skip(&at, " GMT") && !*at;
}

/* "Nov  6 08:49:37 1994" behind the name of the day. */
static bool of_asctime(const char *at, when *out)
{
    int year = 0;
    if (!month(&at, &out->month) || !skip(&at, " "))
        return false;
    if (!number(&at, skip(&at, " ") ? 1 : 2, &out->day) || !skip(&at, " ") || !clock_time(&at, out))
        return false;
    bool whole = skip(&at, " ") && number(&at, 4, &year) && !*at;
    out->year = year;
    return whole;
}

static bool read_date(const char *value, when *out)
{
    const char *comma = strchr(value, ',');
    if (comma)
        return comma[1] == ' ' && after_comma(comma + 2, out);
    return strlen(value) > 4 && value[3] == ' ' && of_asctime(value + 4, out);
}

/* Seconds since 1970 of a date of the Gregorian calendar. */
static int64_t since_1970(const when *w)
{
    int64_t year = w->month > 2 ? w->year : w->year - 1, era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (w->month + (w->month > 2 ? -3 : 9)) + 2) / 5 + w->day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return days * DAY_S + w->hour * 3600 + w->minute * 60 + w->second;
}

int64_t mlp_retry_after(const char *value, int64_t now_ms)
{
    int64_t seconds = 0;
    when date = {0};
    size_t digits = strspn(value, "0123456789");
    if (digits && !value[digits]) {
        for (; *value && seconds < DAY_S; value++)
            seconds = seconds * 10 + (*value - '0');
        return (seconds < DAY_S ? seconds : DAY_S) * 1000;
    }
    if (!read_date(value, &date) || date.day < 1 || date.day > 31 || date.hour > 23 || date.minute > 59 ||
        date.second > 60)
        return -1;
    int64_t wait = since_1970(&date) * 1000 - now_ms;
    return wait < 0 ? 0 : wait < DAY_S * INT64_C(1000) ? wait : DAY_S * INT64_C(1000);
}
