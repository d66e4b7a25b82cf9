/* Which revision is asked for: by its head, by a release of MLflow. */
#include "base/err.h"
#include "base/text.h"
#include "db/schema_tables.h"
#include <stdio.h>
#include <string.h>

int mlp_schema_find(const char *head)
{
    for (int i = mlp_schema_newest; i >= 0; i--)
        if (strcmp(mlp_schema_revisions[i].head, head) == 0)
            return i;
    return -1;
}

/* "3.10.1" and "3.10.1rc0" as one number; -1: no release. */
static int64_t release_number(const char *text)
{
    int part[3] = {0}, used = 0;
    if (sscanf(text, "%4d.%4d%n.%4d%n", &part[0], &part[1], &used, &part[2], &used) < 2 ||
        text[0] == '-' || (text[used] && !strchr(".+abcdrp", text[used])))
        return -1;
    for (int i = 0; i < 3; i++)
        if (part[i] < 0)
            return -1;
    return ((int64_t)part[0] * 10000 + part[1]) * 10000 + part[2];
}

const char *mlp_schema_release(int revision)
{
    while (revision < mlp_schema_newest && !mlp_schema_revisions[revision].release)
        revision++;
    return mlp_schema_revisions[revision].release;
}

/* The last revision whose release is not younger. */
static mlplat_status of_release(const char *text, int64_t number, int *out, mlplat_error *err)
{
    const char *oldest = mlp_schema_revisions[0].release, *newest = mlp_schema_release(mlp_schema_newest);
    int n = mlp_schema_newest;
    if (number / 10000 > release_number(newest) / 10000)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "MLflow %.40s is newer than this libmlplat knows (%s): name that one, and let the newer MLflow "
                        "upgrade the file, or take a newer libmlplat",
                        text, newest);
    while (n >= 0 && (!mlp_schema_revisions[n].release || release_number(mlp_schema_revisions[n].release) > number))
        n--;
    if (n < 0)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "MLflow %.40s is older than %s, the oldest whose files are made", text,
                        oldest);
    *out = n;
    return MLPLAT_OK;
}

mlplat_status mlp_schema_wanted(const char *text, int *out, mlplat_error *err)
{
    int64_t number = release_number(text);
    *out = mlp_schema_find(text);
    if (*out >= 0)
        return MLPLAT_OK;
    if (number >= 0)
        return of_release(text, number, out, err);
    return mlp_fail(err, MLPLAT_INVALID,
                    "'%.60s' is no release of MLflow, such as 2.14.0, and no head that is known, such as %s: "
                    "`mlplat store heads` lists them",
                    text, mlp_schema_revisions[mlp_schema_newest].head);
}
