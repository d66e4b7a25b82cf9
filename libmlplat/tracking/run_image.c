/* Images of a run, under names that MLflow's UI understands. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/take.h"
#include "tracking/run_artifact.h"
#include <string.h>

static mlplat_status check_key(const char *key, mlplat_error *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ ";
    mlplat_status s = mlp_check_text("image key", key, err);
    if (s == MLPLAT_OK && (!*key || key[strspn(key, good)]))
        s = mlp_check_refuse("image key", key, "it is letters, digits, _ - . / and spaces", err);
    return s;
}

static mlplat_status check_image(const void *data, size_t n, const mlplat_image *o, mlplat_error *err)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (!data || !n)
        return mlp_fail(err, MLPLAT_INVALID, "the image to log is empty");
    if (!o->artifact_file == !o->key)
        return mlp_fail(err, MLPLAT_INVALID, "an image has an artifact_file or a key: give one of them");
    if (o->artifact_file)
        return MLPLAT_OK;
    mlplat_status s = check_key(o->key, err);
    if (s == MLPLAT_OK && (n < sizeof png || memcmp(data, png, sizeof png) != 0))
        s = mlp_fail(err, MLPLAT_INVALID, "the image of key '%.80s' is no PNG: encode it so", o->key);
    if (s == MLPLAT_OK && o->timestamp_ms < 0)
        s = mlp_fail(err, MLPLAT_INVALID, "timestamp_ms is %lld: it counts milliseconds since 1970",
                     (long long)o->timestamp_ms);
    return s;
}

/* "images/<key>+step+<step>+timestamp+<ms>+<uuid>"; a slash of the key would be a folder. */
static mlplat_status make_name(const mlplat_image *o, char **out, mlplat_error *err)
{
    char hex[33];
    char *key = mlp_strdup(o->key);
    mlplat_status s = key ? mlp_random_hex(hex, err) : mlp_fail_memory(err);
    for (char *at = key; s == MLPLAT_OK && *at; at++)
        if (*at == '/')
            *at = '~';
    if (s == MLPLAT_OK) {
        *out = mlp_sprintf("images/%s+step+%lld+timestamp+%lld+%.8s-%.4s-%.4s-%.4s-%.12s", key, (long long)o->step,
                           (long long)(o->timestamp_ms ? o->timestamp_ms : mlp_clock_ms()), hex, hex + 8, hex + 12,
                           hex + 16, hex + 20);
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
    }
    mlp_free(key);
    return s;
}

static mlplat_status put_as(mlplat_run *run, const char *name, const char *end, const void *data, size_t n,
                            mlplat_error *err)
{
    char *file = mlp_sprintf("%s%s", name, end);
    mlplat_status s = file ? mlp_run_artifact_put(run, data, n, file, err) : mlp_fail_memory(err);
    mlp_free(file);
    return s;
}

mlplat_status mlplat_run_log_image(mlplat_run *run, const void *data, size_t n, const mlplat_image *image,
                                   mlplat_error *err)
{
    mlplat_image o = MLPLAT_IMAGE_INIT;
    char *name = NULL;
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK)
        s = MLP_TAKE(&o, image, MLPLAT_IMAGE_INIT, err);
    if (s == MLPLAT_OK)
        s = check_image(data, n, &o, err);
    if (s == MLPLAT_OK && o.artifact_file)
        return mlp_run_artifact_put(run, data, n, o.artifact_file, err);
    if (s == MLPLAT_OK)
        s = make_name(&o, &name, err);
    if (s == MLPLAT_OK)
        s = put_as(run, name, ".png", data, n, err);
    bool small = o.small && o.small_n;
    if (s == MLPLAT_OK)
        s = put_as(run, name, "+compressed.webp", small ? o.small : data, small ? o.small_n : n, err);
    mlp_free(name);
    return s == MLPLAT_OK ? mlplat_run_set_tag(run, "mlflow.loggedImages", "True", err) : s;
}
