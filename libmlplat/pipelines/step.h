/* A running component: its definition as a component, what came in, what goes out. */
#ifndef MLP_STEP_H
#define MLP_STEP_H
#include "base/json.h"
#include "pipelines/component_spec.h"
#include "pipelines/ir_plan.h"
#include <mlplat/component.h>

struct mlplat_step {
    const mlplat_component_def *def;
    mlplat_component *component;
    json_t *definition; /* ComponentSpec, for mlp_ir_port */
    json_t *input;      /* ExecutorInput; made from the arguments when run by hand */
    bool by_hand;
    json_t *parameters; /* outputs that were set */
    json_t *metadata;   /* name -> object, as far as it was set */
    json_t *lent;       /* strings lent by the getters, by "kind:name" */
    mlplat *ml;
    mlplat_run *run;
    bool own_run; /* started here, so ended here */
};

/* What a call of the program asks for. */
typedef enum mlp_step_call { MLP_STEP_RUN, MLP_STEP_SPEC, MLP_STEP_HELP } mlp_step_call;

/* step_args.c: reads the command line; fills step->input for MLP_STEP_RUN. */
mlplat_status mlp_step_args(mlplat_step *step, int argc, char **argv, mlp_step_call *call, mlplat_error *err);
mlplat_status mlp_step_help(const mlplat_step *step, const char *program, mlp_buf *out, mlplat_error *err);

/* step_output.c: ExecutorOutput, atomically; by hand: the output parameters as name=value lines in *printed. */
mlplat_status mlp_step_finish(mlplat_step *step, mlp_buf *printed, mlplat_error *err);
/* Folders above the output artifacts. */
mlplat_status mlp_step_make_folders(const mlplat_step *step, mlplat_error *err);

#endif
