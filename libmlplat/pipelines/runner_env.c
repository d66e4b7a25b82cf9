/* What a step finds in its environment, and where pipeline runs keep their files. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "base/uri.h"
#include "pipelines/placeholder.h"
#include "pipelines/runner.h"
#include <string.h>
#include <unistd.h>

/* Variables under construction; text is "NAME=value". */
typedef struct env_list {
    char **items;
    size_t n, cap;
} env_list;

void mlp_runner_env_free(char **env)
{
    for (size_t i = 0; env && env[i]; i++)
        mlp_free(env[i]);
    mlp_free(env);
}

static char **env_find(const env_list *env, const char *name, size_t n)
{
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=')
            return &env->items[i];
    return NULL;
}

/* Takes text, which may be NULL for no memory. */
static mlplat_status env_put(env_list *env, char *text, mlplat_error *err)
{
    char **there = text ? env_find(env, text, strcspn(text, "=")) : NULL;
    if (!text)
        return mlp_fail_memory(err);
    if (there) {
        mlp_free(*there);
        *there = text;
        return MLPLAT_OK;
    }
    if (env->n + 1 >= env->cap) {
        size_t more = env->cap ? env->cap * 2 : 64;
        char **bigger = mlp_realloc(env->items, more * sizeof *bigger);
        if (!bigger) {
            mlp_free(text);
            return mlp_fail_memory(err);
        }
        env->items = bigger;
        env->cap = more;
    }
    env->items[env->n++] = text;
    env->items[env->n] = NULL;
    return MLPLAT_OK;
}

static mlplat_status env_set(env_list *env, const char *name, const char *value, mlplat_error *err)
{
    return value ? env_put(env, mlp_sprintf("%s=%s", name, value), err) : MLPLAT_OK;
}

/* Ours but for those that would lead a step to another store, experiment or run than the pipeline's. */
static mlplat_status env_inherit(env_list *env, mlplat_error *err)
{
    static const char *const dropped[] = {
        "MLPLAT_TRACKING_URI=", "MLPLAT_REGISTRY_URI=",  "MLFLOW_EXPERIMENT_NAME=", "MLFLOW_RUN_NAME=",
        "MLFLOW_RUN_ID=",       "MLPLAT_PARENT_RUN_ID=", "MLFLOW_EXPERIMENT_ID="};
    mlplat_status s = MLPLAT_OK;
    for (char **at = mlp_os_environ(); s == MLPLAT_OK && at && *at; at++) {
        bool drop = !strchr(*at, '=');
        for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
            drop = drop || mlp_text_starts(*at, dropped[i]);
        if (!drop)
            s = env_put(env, mlp_strdup(*at), err);
    }
    return s;
}

/* ---- the component's variables ----------------------------------------------------------------------------------- */

/* $(NAME) of a variable that is set becomes its value, $$(NAME) stays as $(NAME): Kubernetes' rule. */
static void expand_references(const env_list *env, const char *text, mlp_buf *out)
{
    while (*text) {
        const char *end = text[0] == '$' && text[1] == '(' ? strchr(text, ')') : NULL;
        char **there = end ? env_find(env, text + 2, (size_t)(end - text - 2)) : NULL;
        if (text[0] == '$' && text[1] == '$') {
            mlp_buf_putc(out, '$');
            text += 2;
        } else if (there) {
            mlp_buf_puts(out, strchr(*there, '=') + 1);
            text = end + 1;
        } else {
            mlp_buf_putc(out, *text++);
        }
    }
}

static mlplat_status env_component(const mlp_runner *r, const mlp_runner_task *t, env_list *env, mlplat_error *err)
{
    size_t i;
    json_t *item;
    mlp_placeholders values = {0};
    mlplat_status s = MLPLAT_OK;
    mlp_runner_placeholders(r, t, &values);
    mlp_ir_items(json_object_get(t->plan->container, "env"), i, item)
    {
        mlp_buf expanded = {0}, text = {0};
        const char *name = mlp_ir_text(item, "name"), *value = mlp_ir_text(item, "value");
        if (s == MLPLAT_OK && (!name || !*name || strchr(name, '=')))
            s = mlp_fail(err, MLPLAT_INVALID, "env[%zu] of the container has no usable name", i);
        if (s == MLPLAT_OK) {
            expand_references(env, value ? value : "", &expanded);
            s = mlp_buf_ok(&expanded, err);
        }
        if (s == MLPLAT_OK)
            s = mlp_placeholder_expand(&values, expanded.data ? expanded.data : "", &text, err);
        if (s == MLPLAT_OK)
            s = env_set(env, name, text.data ? text.data : "", err);
        mlp_buf_free(&expanded);
        mlp_buf_free(&text);
    }
    return s;
}

/* ---- the platform's variables ------------------------------------------------------------------------------------ */

static mlplat_status env_platform(const mlp_runner *r, const mlp_runner_task *t, env_list *env, mlplat_error *err)
{
    static const struct {
        mlp_setting setting;
        const char *name;
    } places[] = {{MLP_SET_TRACKING_URI, "MLFLOW_TRACKING_URI"},
                  {MLP_SET_REGISTRY_URI, "MLFLOW_REGISTRY_URI"},
                  {MLP_SET_ARTIFACT_ROOT, "MLPLAT_ARTIFACT_ROOT"},
                  {MLP_SET_MIRROR_URI, "MLPLAT_MIRROR_URI"},
                  {MLP_SET_SPOOL, "MLPLAT_SPOOL"}};
    char *root = NULL;
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof places / sizeof places[0]; i++)
        s = env_set(env, places[i].name, mlp_session_setting(r->ml, places[i].setting), err);
    if (s == MLPLAT_OK)
        s = env_set(env, "MLPLAT_DURABILITY", mlp_session_setting(r->ml, MLP_SET_DURABILITY), err);
    if (s == MLPLAT_OK)
        s = env_set(env, "MLFLOW_RUN_ID", mlplat_run_id(t->run), err);
    if (s == MLPLAT_OK)
        s = env_set(env, "MLFLOW_EXPERIMENT_ID", mlplat_run_experiment_id(r->run), err);
    if (s == MLPLAT_OK)
        s = env_set(env, "MLPLAT_PARENT_RUN_ID", mlplat_run_id(r->run), err);
    if (s == MLPLAT_OK) {
        root = mlp_strdup(r->root);
        char *slash = root ? strrchr(root, '/') : NULL;
        if (slash)
            *slash = 0; /* a pipeline that a step starts goes beside this one */
        s = root ? env_set(env, "MLPLAT_PIPELINE_ROOT", root, err) : mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK)
        s = env_set(env, "PWD", t->work, err);
    mlp_free(root);
    return s;
}

mlplat_status mlp_runner_env(const mlp_runner *runner, const mlp_runner_task *task, char ***out, mlplat_error *err)
{
    env_list env = {0};
    mlplat_status s = env_inherit(&env, err);
    if (s == MLPLAT_OK)
        s = env_component(runner, task, &env, err);
    if (s == MLPLAT_OK)
        s = env_platform(runner, task, &env, err);
    if (s == MLPLAT_OK)
        *out = env.items;
    else
        mlp_runner_env_free(env.items);
    return s;
}

/* ---- the root ---------------------------------------------------------------------------------------------------- */

mlplat_status mlp_runner_root(mlplat *ml, const char *wanted, char **out, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_TRACKING_URI);
    mlp_uri store = {0};
    mlplat_status s = MLPLAT_OK;
    *out = NULL;
    if (!wanted || !*wanted)
        wanted = mlp_session_setting(ml, MLP_SET_PIPELINE_ROOT);
    if (wanted && *wanted)
        return mlp_uri_local_path(wanted, out, err);
    bool sqlite = mlp_uri_has_scheme(uri, "sqlite");
    if (sqlite)
        s = mlp_uri_parse(uri, &store, err);
    if (s == MLPLAT_OK) {
        char *beside = sqlite ? mlp_sprintf("%s/../mlplat-pipelines", store.path) : mlp_strdup("mlplat-pipelines");
        *out = beside ? mlp_file_absolute(beside) : NULL;
        s = *out ? MLPLAT_OK : mlp_fail_memory(err);
        mlp_free(beside);
    }
    mlp_uri_free(&store);
    return s;
}
