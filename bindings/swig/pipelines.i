BLOCKING(component_program)
BLOCKING(mlplat_pipeline_compile)
BLOCKING(mlplat_pipeline_validate)
BLOCKING(pipeline_run)
REPLACED(mlplat_component_program)
REPLACED(mlplat_pipeline_task)
REPLACED(mlplat_pipeline_run)
%include <mlplat/pipelines.h>

%inline %{
static mlplat_status component_program(const char *const *program, optional_text image, mlplat_component **out,
                                       mlplat_error *err)
{
    return mlplat_component_program(program, image, out, err);
}

static mlplat_status pipeline_task(mlplat_pipeline *pipeline, const mlplat_component *component, optional_text name,
                                   mlplat_task **out, mlplat_error *err)
{
    return mlplat_pipeline_task(pipeline, component, name, out, err);
}

static mlplat_status pipeline_run(mlplat *ml, const mlplat_doc *ir, optional_text params, optional_path root,
                                  optional_text experiment, optional_text run_name, int workers, int keep_going,
                                  mlplat_progress progress, void *user, mlplat_doc **out, mlplat_error *err)
{
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    o.params = params;
    o.root = root;
    o.experiment = experiment;
    o.run_name = run_name;
    o.workers = workers;
    o.keep_going = keep_going;
    o.progress = progress;
    o.user = user;
    return mlplat_pipeline_run(ml, ir, &o, out, err);
}
%}
