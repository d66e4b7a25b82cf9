/* A component's inside: parts of the IR, shared with the tasks made from it and copied before they change. */
#ifndef MLP_COMPONENT_SPEC_H
#define MLP_COMPONENT_SPEC_H
#include "base/json.h"
#include "pipelines/port_type.h"
#include <mlplat/pipelines.h>

struct mlplat_component {
    char *name;
    char *description; /* or NULL */
    json_t *inputs;    /* ComponentInputsSpec: {"parameters": {...}, "artifacts": {...}}, as far as there are any */
    json_t *outputs;
    json_t *container; /* PipelineContainerSpec */
};

/* Components, tasks and documents share parts: whoever changes one takes a copy of its own first. */
mlplat_status mlp_component_own(json_t **part, mlplat_error *err);
/* ComponentSpec: {"executorLabel", "inputDefinitions"?, "outputDefinitions"?}. New reference, NULL: no memory. */
json_t *mlp_component_definition(const char *label, json_t *inputs, json_t *outputs);
/* The spec as PipelineSpec with this one task; new reference. */
mlplat_status mlp_component_pipeline(const mlplat_component *component, json_t **out, mlplat_error *err);
/* Placeholders of the container that name nothing the component declares. */
mlplat_status mlp_component_check(json_t *inputs, json_t *outputs, const json_t *container, const char *what,
                                  mlplat_error *err);
/* Words in front of the message of a port: "input 'x' of component 'y'" */
void mlp_component_port_text(const mlplat_component *c, const char *side, const char *name, char out[300]);
/* Add a described port; shared with component.h's runtime. @param description  or NULL */
mlplat_status mlp_component_add(mlplat_component *c, bool input, const char *name, const char *type,
                                const char *default_json, const char *description, mlplat_error *err);
/* An input parameter: {"parameterType", "defaultValue"?, "isOptional"?}; what for messages. New reference in *out. */
mlplat_status mlp_component_parameter(mlp_kind kind, const char *default_json, const char *what, json_t **out,
                                      mlplat_error *err);

#endif
