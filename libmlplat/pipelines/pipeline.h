/* The builder's inside: tasks hold the IR of their inputs as it is made, the graph holds who needs whom. */
#ifndef MLP_PIPELINE_H
#define MLP_PIPELINE_H
#include "base/json.h"
#include "pipelines/pipeline_graph.h"
#include "pipelines/port_type.h"
#include <mlplat/pipelines.h>

struct mlplat_task {
    mlplat_pipeline *pipeline;
    size_t number;                        /* in the graph */
    char *id;                             /* unique, sanitised */
    char *shown;                          /* as the caller named it, else the id */
    json_t *inputs, *outputs, *container; /* shared with the component */
    json_t *arguments;                    /* TaskInputsSpec: {"parameters": {...}, "artifacts": {...}} */
};

struct mlplat_pipeline {
    char *name;
    char *description;
    json_t *inputs; /* {"parameters": {...}} or empty */
    json_t *names;  /* sanitised name -> the next number to try, id -> 0 */
    mlplat_task **tasks;
    size_t n, cap;
    mlp_graph graph;
};

#endif
