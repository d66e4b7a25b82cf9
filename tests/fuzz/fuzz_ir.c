/* Pipelines and components as documents. Input: KFP's IR or a component, as JSON or YAML. */
#include "base/json.h"
#include "fuzz.h"
#include "pipelines/ir_plan.h"
#include <mlplat/pipelines.h>

/* Each task once, and each after those that it needs. */
static void check_order(const mlp_plan *plan)
{
    size_t place[plan->n + 1];
    memset(place, 0, sizeof place);
    for (size_t i = 0; i < plan->n; i++) {
        fuzz_check(plan->order[i] < plan->n && !place[plan->order[i]]);
        place[plan->order[i]] = i + 1;
    }
    for (size_t i = 0; i < plan->n; i++)
        for (size_t k = 0; k < plan->graph.nodes[i].n; k++)
            fuzz_check(place[plan->graph.nodes[i].deps[k]] < place[i]);
}

static void check_plan(const json_t *ir, mlplat_error *err)
{
    mlp_plan plan = {0};
    json_t *params = NULL;
    fuzz_check(mlp_plan_make(ir, &plan, err) == MLPLAT_OK);
    fuzz_check(plan.n > 0 && plan.name);
    check_order(&plan);
    for (size_t i = 0; i < plan.n; i++)
        fuzz_check(plan.tasks[i].container && mlp_plan_find(&plan, plan.tasks[i].name) == i);
    mlplat_status s = mlp_ir_params(&plan, NULL, &params, err);
    fuzz_check(s == MLPLAT_OK ? json_is_object(params) : s == MLPLAT_INVALID && !params);
    json_decref(params);
    mlp_plan_free(&plan);
}

static void try_pipeline(const mlplat_doc *doc, mlplat_error *err)
{
    mlplat_status s = mlplat_pipeline_validate(doc, err);
    fuzz_check(s == MLPLAT_OK || ((s == MLPLAT_INVALID || s == MLPLAT_UNSUPPORTED) && fuzz_refused(s, err)));
    if (s == MLPLAT_OK)
        check_plan(mlp_doc_json(doc), err);
}

/* What is loaded is written and loaded as the same. */
static void try_component(const char *text, size_t n, mlplat_error *err)
{
    mlplat_component *component = NULL, *again = NULL;
    mlplat_doc *spec = NULL, *spec_again = NULL;
    char *yaml = NULL;
    mlplat_status s = mlplat_component_load(text, n, &component, err);
    fuzz_check(s == MLPLAT_OK || ((s == MLPLAT_INVALID || s == MLPLAT_UNSUPPORTED) && fuzz_refused(s, err)));
    if (s == MLPLAT_OK) {
        fuzz_check(mlplat_component_spec(component, &spec, err) == MLPLAT_OK);
        fuzz_check(mlplat_doc_yaml(spec, &yaml, err) == MLPLAT_OK);
        fuzz_check(mlplat_component_load(yaml, strlen(yaml), &again, err) == MLPLAT_OK);
        fuzz_check(mlplat_component_spec(again, &spec_again, err) == MLPLAT_OK);
        fuzz_check(strcmp(mlplat_doc_text(spec), mlplat_doc_text(spec_again)) == 0);
    }
    mlplat_free(yaml);
    mlplat_doc_free(spec);
    mlplat_doc_free(spec_again);
    mlplat_component_free(component);
    mlplat_component_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlplat_error *err = fuzz_error(data, size);
    const char *text = (const char *)data;
    mlplat_doc *doc = NULL;
    bool json = size && *text == '{';
    mlplat_status s = json ? mlplat_doc_parse(text, size, &doc, err) : mlplat_doc_parse_yaml(text, size, &doc, err);
    if (s == MLPLAT_OK) {
        try_pipeline(doc, err);
        try_component(text, size, err);
    }
    mlplat_doc_free(doc);
    return 0;
}
