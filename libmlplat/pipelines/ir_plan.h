/* A PipelineSpec read for checking and running: its tasks by number, and their order. Lent from the document. */
#ifndef MLP_IR_PLAN_H
#define MLP_IR_PLAN_H
#include "base/json.h"
#include "pipelines/pipeline_graph.h"
#include "pipelines/port_type.h"

typedef struct mlp_plan_task {
    const char *name;
    const json_t *spec;      /* PipelineTaskSpec */
    const json_t *component; /* ComponentSpec */
    const json_t *container; /* PipelineContainerSpec */
} mlp_plan_task;

typedef struct mlp_plan {
    const json_t *spec; /* PipelineSpec */
    const char *name;
    mlp_plan_task *tasks;
    size_t n;
    mlp_graph graph;
    size_t *order;
    json_t *index; /* task name -> number */
} mlp_plan;

/* INVALID: the shape, a name, a reference to a task, a cycle; UNSUPPORTED: a part that the local runner cannot run. */
mlplat_status mlp_plan_make(const json_t *ir, mlp_plan *out, mlplat_error *err);
void mlp_plan_free(mlp_plan *plan);
/* The number of a task of this name, or plan->n. */
size_t mlp_plan_find(const mlp_plan *plan, const char *name);

/* Members of members: mlp_ir_at(json, "root", "dag", "tasks", NULL). NULL if one is not there. */
const json_t *mlp_ir_at(const json_t *json, ...) __attribute__((sentinel));
const char *mlp_ir_text(const json_t *json, const char *key); /* a string member, or NULL */
/* Iterate over an object that may be NULL. */
#define mlp_ir_each(object, key, value) json_object_foreach((json_t *)(uintptr_t)(object), key, value)
#define mlp_ir_items(array, i, value)   json_array_foreach((json_t *)(uintptr_t)(array), i, value)

/* A port of a component. @param side "inputDefinitions" or "outputDefinitions"; kind NONE if it has no such port. */
mlp_port_type mlp_ir_port(const json_t *component, const char *side, const char *name);
mlp_port_type mlp_ir_port_of(const json_t *ports,
                             const char *name); /* of ComponentInputsSpec or ComponentOutputsSpec */
/* The one executor of the component of this name. INVALID or UNSUPPORTED with what in front. */
mlplat_status mlp_ir_executor(const json_t *spec, const json_t *component, const char *what, const json_t **container,
                              mlplat_error *err);

/* References, types and placeholders of a plan. */
mlplat_status mlp_ir_check(const mlp_plan *plan, mlplat_error *err);
/* The pipeline's input parameters: what was given (an object or NULL) and the defaults, as their types want them. */
mlplat_status mlp_ir_params(const mlp_plan *plan, const char *given, json_t **out, mlplat_error *err);

#endif
