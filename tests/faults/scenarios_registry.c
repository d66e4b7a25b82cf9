/* The registry: models, versions, aliases, stages, prompts. */
#include "faults/scene.h"

static void empty_store(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_doc *doc = NULL;
    DO(mlplat_store_create(ml, NULL, &doc, &sc->err));
    mlplat_doc_free(doc);
    mlplat_close(ml);
}

/* The registry has a connection of its own: open before the faults begin. */
static mlplat *registry_ready(scene *sc)
{
    mlplat *ml = scene_open(sc);
    READ(doc, mlplat_registered_model_search(ml, NULL, &doc, &sc->err));
    scene_begin(sc);
    return ml;
}

static void register_versions(scene *sc)
{
    mlplat *ml = registry_ready(sc);
    int64_t version = 0;
    mlplat_model_version_options v = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    v.tags = "{\"auc\": \"0.9\"}";
    v.description = "words";
    DO(mlplat_registered_model_create(ml, "digits", "of hands", "{\"team\": \"risk\"}", &sc->err));
    DO(mlplat_model_version_create(ml, "digits", "/models/one", &v, &version, &sc->err));
    MUST(version == 1);
    DO(mlplat_model_version_create(ml, "new", "/models/two", NULL, &version, &sc->err));
    MUST(version == 1);
    DO(mlplat_model_alias_set(ml, "digits", "champion", "1", &sc->err));
    DO(mlplat_model_version_set_tag(ml, "digits", "1", "checked", "yes", &sc->err));
    DO(mlplat_registered_model_set_tag(ml, "digits", "a", "b", &sc->err));
    DO(mlplat_registered_model_update(ml, "digits", "other words", &sc->err));
    DO(mlplat_model_version_update(ml, "digits", "@champion", NULL, &sc->err));
    mlplat_close(ml);
}

static void two_models(scene *sc)
{
    empty_store(sc);
    register_versions(sc);
}

static void read_registry(scene *sc)
{
    mlplat *ml = registry_ready(sc);
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = "name LIKE 'd%' AND tags.team = 'risk'";
    q.order_by = "name DESC";
    READ(doc, mlplat_registered_model_search(ml, &q, &doc, &sc->err));
    q.filter = "name = 'digits' AND version_number > 0";
    READ(doc, mlplat_model_version_search(ml, &q, &doc, &sc->err));
    READ(doc, mlplat_registered_model_get(ml, "digits", &doc, &sc->err));
    READ(doc, mlplat_model_version_get(ml, "digits", "@champion", &doc, &sc->err));
    READ(doc, mlplat_model_version_latest(ml, "digits", NULL, &doc, &sc->err));
    mlplat_close(ml);
}

static void move_versions(scene *sc)
{
    mlplat *ml = registry_ready(sc);
    mlplat_doc *doc = NULL;
    int64_t version = 0;
    DO(mlplat_model_version_transition(ml, "digits", "1", "Production", 1, &doc, &sc->err));
    mlplat_doc_free(doc);
    DO(mlplat_model_version_copy(ml, "models:/digits@champion", "copies", &version, &sc->err));
    MUST(version == 1);
    DO(mlplat_registered_model_rename(ml, "copies", "copied", &sc->err));
    DO(mlplat_model_alias_delete(ml, "digits", "champion", &sc->err));
    DO(mlplat_model_version_delete_tag(ml, "digits", "1", "checked", &sc->err));
    DO(mlplat_model_version_delete(ml, "digits", "1", &sc->err));
    DO(mlplat_registered_model_delete_tag(ml, "digits", "a", &sc->err));
    DO(mlplat_registered_model_delete(ml, "new", &sc->err));
    mlplat_close(ml);
}

static void prompts(scene *sc)
{
    mlplat *ml = registry_ready(sc);
    char *text = NULL;
    int64_t version = 0;
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    o.tags = "{\"lang\": \"en\"}";
    o.commit_message = "first";
    o.model_config = "{\"model_name\": \"m\", \"temperature\": 0.5}";
    DO(mlplat_prompt_register(ml, "hello", "Hello {{ name }}", &o, &version, &sc->err));
    MUST(version == 1);
    DO(mlplat_model_alias_set(ml, "hello", "live", "1", &sc->err));
    READ(doc, mlplat_prompt_load(ml, "prompts:/hello@live", &doc, &sc->err));
    READ(doc, mlplat_prompt_search(ml, NULL, &doc, &sc->err));
    READ(doc, mlplat_prompt_version_search(ml, "hello", NULL, &doc, &sc->err));
    DO(mlplat_prompt_version_set_config(ml, "hello", "1", "{\"model_name\": \"n\"}", &sc->err));
    DO(mlplat_prompt_format("Hello {{ name }}", "{\"name\": \"you\"}", 0, &text, &sc->err));
    mlplat_free(text);
    mlplat_close(ml);
}

const scenario scenarios_of_registry[] = {
    {"register_versions", empty_store, register_versions, false},
    {"read_registry", two_models, read_registry, false},
    {"move_versions", two_models, move_versions, false},
    {"prompts", empty_store, prompts, false},
    {NULL, NULL, NULL, false},
};
