#include "session/session.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "base/take.h"
#include "base/thread.h"
#include "session/store_uri.h"
#include <mlplat/version.h>

const char *mlplat_version(void)
{
    return MLPLAT_VERSION_TEXT;
}

static void session_free(mlplat *ml)
{
    mlp_config_free(&ml->config);
    for (int i = 0; i < MLP_SET_COUNT; i++)
        mlp_free(ml->places[i]);
    mlp_os_fork_guard_free(ml->guard);
    mlp_free(ml);
}

static mlplat_status session_make(const mlplat_options *o, mlplat **out, mlplat_error *err)
{
    mlplat *ml = mlp_alloc(sizeof *ml);
    if (!ml)
        return mlp_fail_memory(err);
    ml->log = (mlp_logger){.fn = o->log, .user = o->user};
    ml->hook = (mlp_hook){.fn = o->progress, .user = o->user};
    ml->mlflow_installed = o->mlflow_installed;
    ml->guard = mlp_os_fork_guard();
    mlplat_status s = ml->guard ? mlp_config_load(o, &ml->config, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_store_uri_check(&ml->config, err);
    if (s == MLPLAT_OK)
        s = mlp_store_uri_anchor(&ml->config, ml->places, err);
    if (s != MLPLAT_OK) {
        session_free(ml);
        return s;
    }
    pthread_mutex_init(&ml->lock, NULL);
    mlp_cond_init(&ml->changed);
    *out = ml;
    return MLPLAT_OK;
}

mlplat_status mlplat_open(const mlplat_options *options, mlplat **out, mlplat_error *err)
{
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    *out = NULL;
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_OPTIONS_INIT, err);
    return s == MLPLAT_OK ? session_make(&o, out, err) : s;
}

/* In a forked child: threads and locks did not come along, files belong to the parent. */
static void abandon(mlplat *ml)
{
    for (int i = ml->n_opened; i-- > 0;) {
        int slot = ml->opened[i];
        if (ml->slots[slot].ops->abandon)
            ml->slots[slot].ops->abandon(ml->slots[slot].object);
    }
    session_free(ml);
}

void mlplat_close(mlplat *ml)
{
    if (!ml)
        return;
    if (mlp_os_forked(ml->guard)) {
        abandon(ml);
        return;
    }
    while (ml->n_opened) { /* a module that closes may still use those opened before it */
        int slot = ml->opened[--ml->n_opened];
        ml->slots[slot].ops->close(ml, ml->slots[slot].object);
    }
    pthread_cond_destroy(&ml->changed);
    pthread_mutex_destroy(&ml->lock);
    session_free(ml);
}

mlplat_status mlp_session_check(const mlplat *ml, mlplat_error *err)
{
    if (mlp_os_forked(ml->guard))
        return mlp_fail(
            err, MLPLAT_STATE,
            "this session was opened in another process and inherited by fork: open one here with mlplat_open");
    return MLPLAT_OK;
}

const char *mlp_session_setting(const mlplat *ml, mlp_setting setting)
{
    return ml->places[setting] ? ml->places[setting] : ml->config.value[setting];
}

mlplat_status mlplat_config(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    *out = NULL;
    mlplat_status s = mlp_session_check(ml, err);
    return s == MLPLAT_OK ? mlp_doc_new(mlp_config_json(&ml->config), out, err) : s;
}
