/* The registry when memory runs out: every allocation fails once. */
#include "support/scarce_memory.h"
#include "support/support.h"
#include <mlplat/registry.h>
#include <stdbool.h>
#include <stdlib.h>

/* Fine, or out of memory and said so. */
static bool passed(mlplat_status s, const mlplat_error *err)
{
    if (s != MLPLAT_OK && s != MLPLAT_NO_MEMORY)
        fail_msg("%s: %s", mlplat_status_name(s), err->message);
    return s == MLPLAT_OK;
}

static bool read_all(mlplat *ml, const char *version)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *place = NULL;
    mlplat_search one = MLPLAT_SEARCH_INIT;
    one.max_results = 1;
    one.filter = "name LIKE '%' AND tags.auc != '9'";
    one.order_by = "name DESC";
    bool ok = passed(mlplat_registered_model_search(ml, &one, &doc, &err), &err);
    mlplat_doc_free(doc);
    ok = ok && passed(mlplat_model_version_search(ml, &one, &doc, &err), &err);
    mlplat_doc_free(ok ? doc : NULL);
    ok = ok && passed(mlplat_model_version_get(ml, "m", version, &doc, &err), &err);
    mlplat_doc_free(ok ? doc : NULL);
    ok = ok && passed(mlplat_artifact_resolve(ml, "models:/m@champion", &place, &err), &err);
    mlplat_free(place);
    return ok;
}

/* Prompts are no models: the count of those does not change. */
static bool read_prompts(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *text = NULL;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    o.tags = "{\"auc\": \"0.9\"}";
    o.chat = 1;
    o.model_config = "{\"temperature\": 1, \"more\": {}}";
    o.response_format = "{\"type\": \"object\"}";
    bool ok = passed(mlplat_prompt_register(ml, "p", "[{\"role\": \"user\", \"content\": \"{{ b }} {{a}}\"}]", &o, NULL,
                                            &err),
                     &err);
    ok = ok && passed(mlplat_prompt_version_set_config(ml, "p", "1", "{\"top_k\": 1}", &err), &err);
    ok = ok && passed(mlplat_prompt_create(ml, "q", NULL, NULL, &err), &err);
    ok = ok && passed(mlplat_prompt_load(ml, "prompts:/p@latest", &doc, &err), &err);
    mlplat_doc_free(doc);
    doc = NULL;
    ok = ok && passed(mlplat_prompt_get(ml, "p", &doc, &err), &err);
    mlplat_doc_free(doc);
    ok = ok && passed(mlplat_prompt_version_search(ml, "p", NULL, &doc, &err), &err);
    mlplat_doc_free(ok ? doc : NULL);
    query.filter = "experiment_id = '0'";
    doc = NULL;
    ok = ok && passed(mlplat_prompt_search(ml, &query, &doc, &err), &err);
    mlplat_doc_free(doc);
    ok = ok && passed(mlplat_prompt_format("{{ b }} {{a}}", "{\"a\": \"1\"}", 1, &text, &err), &err);
    mlplat_free(text);
    return ok;
}

static bool promote(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    bool ok = passed(mlplat_model_version_transition(ml, "m", "1", "Production", 1, &doc, &err), &err);
    mlplat_doc_free(doc);
    doc = NULL;
    ok = ok && passed(mlplat_model_version_latest(ml, "m", "Production", &doc, &err), &err);
    mlplat_doc_free(doc);
    return ok && passed(mlplat_registered_model_rename(ml, "other", "another", &err), &err);
}

/* One life of a registry, as far as memory lets it; counts the versions that were made. */
static int live(const char *folder)
{
    int made = 0;
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    o.tags = "{\"auc\": \"0.9\"}";
    if (passed(test_try_open(folder, &ml, &err), &err)) {
        made += passed(mlplat_model_version_create(ml, "m", "/models/1", &o, NULL, &err), &err);
        if (made && passed(mlplat_model_alias_set(ml, "m", "champion", "1", &err), &err) && read_all(ml, "1"))
            made += passed(mlplat_model_version_create(ml, "other", "models:/m@champion", &o, NULL, &err), &err);
        if (made == 2 && read_prompts(ml) && promote(ml))
            made += passed(mlplat_model_version_copy(ml, "models:/m/Production", "copy", NULL, &err), &err);
    }
    mlplat_close(ml);
    return made;
}

static void no_failed_allocation_leaves_half_a_version(void **state)
{
    (void)state;
    bool reached = true;
    test_clear_environment();
    for (long nth = 0; reached; nth++) {
        char *folder = test_folder_make();
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        size_t n = 0;
        scarce_memory_on();
        scarce_memory_arm_any(nth);
        int made = live(folder);
        reached = scarce_memory_disarm();
        mlplat *ml = test_open(folder);
        assert_ok(mlplat_model_version_search(ml, NULL, &doc, &err));
        assert_ok(mlplat_doc_size(doc, "model_versions", &n, &err));
        if (n != (size_t)made)
            fail_msg("allocation %ld failed: %d versions made, %zu stored", nth, made, n);
        for (size_t i = 0; i < n; i++) {
            char path[64];
            const char *auc = NULL;
            snprintf(path, sizeof path, "model_versions[%zu].tags[0].value", i);
            assert_ok(mlplat_doc_string(doc, path, &auc, &err));
            assert_string_equal(auc, "0.9");
        }
        mlplat_doc_free(doc);
        mlplat_close(ml);
        test_folder_remove(folder);
    }
    scarce_memory_off();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_failed_allocation_leaves_half_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
