#include "support/hostile_names.h"
#include <stdio.h>
#include <string.h>

/* Each step up is tried by itself, in front of, behind and between clean parts. */
static const char *const steps[] = {
    "..",          "%2e%2e",          "%2E%2E",  ".%2e",   "%2e.",      "%252e%252e", "%25252e%25252e",
    "%2e%2e%2f..", "..%2f..",         "..%5c..", "..\\..", "%2e%2e%5c", "..%252f",    "..%00",
    "%2e%2e%00",   "..\x01",          "..%0a",   "..%0d",  "..%09",     "..%7f",      ".",
    "%2e",         "%252e",           "..%2f",   "%2f",    "%5c",       "\\",         "\\\\host\\share",
    "%2f..%2f",    "%252f%252e%252e",
};
static const char *const shapes[] = {"%s", "%s/canary", "a/%s", "a/%s/../canary", "a/%s/canary", "%s/%s/canary"};

static const char *const others[] = {
    "/",
    "//",
    "/etc/passwd",
    "//etc/passwd",
    "///canary",
    "a//b",
    "a/",
    "/a",
    "a///b",
    "%2fetc%2fpasswd",
    "%2Fetc",
    "%252fetc",
    "a%2f%2fb",
    "C:/windows",
    "c:",
    "C:\\windows\\system32",
    "c%3a/x",
    "a\\b",
    "a\\..\\b",
    "\\a",
    "\n",
    "a\nb",
    "a\r",
    "a\tb",
    "a\x1b[31m",
    "a\x7f",
    "%0a",
    "a%00b",
    "%00",
    "a%1fb",
    "\xff\xfe",
    "a/\xc0\xae\xc0\xae/b",       /* overlong ".." */
    "a/\xe0\x80\xae\xe0\x80\xae", /* and longer */
    ("\xc0\xaf"
     "etc"),          /* overlong "/" */
    "a/\xed\xa0\x80", /* a surrogate */
    "a/\xf5\x80\x80\x80",
    "%c0%ae%c0%ae/canary",
    "%ff",
    "../../../../../../../../etc/passwd",
    "a/../../canary",
    "a/b/../../../canary",
    "./canary",
    "a/./b",
    "..;/canary/..",
    "file:/../canary/..",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *hostile_name(size_t i)
{
    static char name[5000];
    size_t combined = COUNT(steps) * COUNT(shapes);
    if (i < combined) {
        const char *step = steps[i / COUNT(shapes)];
        snprintf(name, sizeof name, shapes[i % COUNT(shapes)], step, step);
        return name;
    }
    i -= combined;
    if (i < COUNT(others))
        return others[i];
    i -= COUNT(others);
    if (i > 1)
        return NULL;
    memset(name, 'a', sizeof name - 1); /* a part too long, a path too long */
    name[i ? 4500 : 256] = 0;
    for (size_t at = 1; i && at < 4500; at += 2)
        name[at] = '/';
    return name;
}
