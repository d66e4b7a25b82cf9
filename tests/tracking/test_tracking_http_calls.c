/* What calls make of a server's answers: the documents, the reasons of refusals, and the calls whose answer is lost. */
#include "support/scarce_memory.h"
#include "tracking/http_fixture.h"

#define API     "/api/2.0/mlflow/"
#define BAD     "400 Bad Request", .json = "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"no\"}"
#define TAKEN   "400 Bad Request", .json = "{\"error_code\": \"RESOURCE_ALREADY_EXISTS\", \"message\": \"it is so\"}"
#define NONE    "404 Not Found", .json = "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"none\"}"
#define LOST    .reply = "", .end = LOOPBACK_RESET, .once = true
#define ACTIVE  "{\"experiment\": {\"experiment_id\": \"7\", \"lifecycle_stage\": \"active\"}}"
#define DELETED "{\"experiment\": {\"experiment_id\": \"7\", \"lifecycle_stage\": \"deleted\"}}"
#define A_RUN   "{\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"0\", \"lifecycle_stage\": \"active\"}}"
#define A_MODEL "{\"info\": {\"model_id\": \"m-1\", \"experiment_id\": \"0\", \"artifact_uri\": \"s3://b/m-1\"}}"
#define WITH_PARAM                                                                                                     \
    "{\"info\": {\"model_id\": \"m-1\"}, \"data\": {\"params\": [{\"key\": \"depth\", \"value\": \"6\"}]}}"

/* ---- the calls --------------------------------------------------------------------------------------------------- */

#define CALL(name, expression)                                                                                         \
    static mlplat_status name(mlplat *ml, mlplat_doc **out, mlplat_error *err)                                         \
    {                                                                                                                  \
        (void)out;                                                                                                     \
        return expression;                                                                                             \
    }

static mlplat_status create_experiment(mlplat *ml, mlplat_error *err)
{
    char *id = NULL;
    mlplat_status s = mlplat_experiment_create(ml, "e", NULL, &id, err);
    assert_true(s != MLPLAT_OK || strcmp(id, "7") == 0);
    mlplat_free(id);
    return s;
}

static mlplat_status search_runs(mlplat *ml, const char *filter, const char *order, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = filter;
    q.order_by = order;
    q.page_token = "next";
    q.max_results = 2;
    q.view = MLPLAT_VIEW_ALL;
    return mlplat_run_search(ml, &q, out, err);
}

static mlplat_status search_experiments(mlplat *ml, const char *filter, const char *ids, mlplat_doc **out,
                                        mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = filter;
    q.experiment_ids = ids;
    return mlplat_experiment_search(ml, &q, out, err);
}

static mlplat_status search_models(mlplat *ml, const char *filter, const char *datasets, const char *order,
                                   mlplat_doc **out, mlplat_error *err)
{
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    q.experiment_ids = " 1, 2,";
    q.filter = filter;
    q.datasets = datasets;
    q.order_by = order;
    q.max_results = 5;
    q.page_token = "next";
    return mlplat_logged_model_search(ml, &q, out, err);
}

static mlplat_status create_model(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    o.name = "forest";
    o.params = "{\"depth\": \"6\"}";
    return mlplat_logged_model_create(ml, &o, out, err);
}

static mlplat_status start_run(mlplat *ml, const char *parent, mlplat_error *err)
{
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_run *run = NULL;
    o.experiment_id = "0";
    o.parent_run_id = parent;
    mlplat_status s = mlplat_run_start(ml, &o, &run, err);
    assert_true(s != MLPLAT_OK || strcmp(mlplat_run_id(run), ID) == 0 || strncmp(mlplat_run_id(run), "0ff11e", 6) == 0);
    mlplat_run_free(run);
    return s;
}

static mlplat_status update_run(mlplat *ml, mlplat_error *err)
{
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    change.name = "other";
    change.end_time_ms = 5;
    return mlplat_run_update(ml, ID, &change, err);
}

/* There is no store for the model's place: it is the run's, with its metrics, and failed. */
static mlplat_status log_model(mlplat *ml, mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_model model = MLPLAT_MODEL_INIT;
    model.loader_module = "loader";
    model.data = "/proc/self/exe";
    mlplat_status s = mlplat_run_attach(ml, ID, &run, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_model(run, &model, "forest", NULL, err);
    mlplat_run_free(run);
    return s;
}

static mlplat_status read_points(mlplat *ml, mlplat_error *err)
{
    struct ArrowArrayStream stream = {0};
    mlplat_status s = mlplat_metric_arrow(ml, ID, "loss", NULL, NULL, &stream, err);
    if (s == MLPLAT_OK) {
        struct ArrowArray array = {0};
        s = stream.get_next(&stream, &array) == 0 ? MLPLAT_OK : MLPLAT_NO_MEMORY;
        assert_int_equal(array.length, s == MLPLAT_OK ? 2 : 0);
        if (s == MLPLAT_OK)
            array.release(&array);
        stream.release(&stream);
    }
    return s;
}

CALL(run_start, start_run(ml, NULL, err))
CALL(run_start_nested, start_run(ml, ID, err))
CALL(run_update, update_run(ml, err))
CALL(run_log_model, log_model(ml, err))
CALL(points, read_points(ml, err))
CALL(experiment_create, create_experiment(ml, err))
CALL(experiment_by_name, mlplat_experiment_get_by_name(ml, "e", out, err))
CALL(experiment_list, mlplat_experiment_search(ml, NULL, out, err))
CALL(experiment_found, search_experiments(ml, "name = 'e'", NULL, out, err))
CALL(experiment_by_number, search_experiments(ml, "experiment_id = '7'", NULL, out, err))
CALL(experiment_of_ids, search_experiments(ml, NULL, "1", out, err))
CALL(experiment_rename, mlplat_experiment_rename(ml, "7", "other", err))
CALL(experiment_delete, mlplat_experiment_delete(ml, "7", err))
CALL(experiment_restore, mlplat_experiment_restore(ml, "7", err))
CALL(experiment_tag, mlplat_experiment_set_tag(ml, "7", "team", "a", err))
CALL(experiment_untag, mlplat_experiment_delete_tag(ml, "7", "team", err))
CALL(runs_found, search_runs(ml, "metrics.a < 1", "metrics.`a,b` DESC, run_name", out, err))
CALL(runs_of_all, mlplat_run_search(ml, NULL, out, err))
CALL(runs_badly_asked, search_runs(ml, "metrics.a <", NULL, out, err))
CALL(runs_without_tag, search_runs(ml, "tags.team IS NULL", NULL, out, err))
CALL(run_delete, mlplat_run_delete(ml, ID, err))
CALL(run_restore, mlplat_run_restore(ml, ID, err))
CALL(history, mlplat_metric_history(ml, ID, "loss", 0, NULL, out, err))
CALL(history_page, mlplat_metric_history(ml, ID, "loss", 1, NULL, out, err))
CALL(history_bulk, mlplat_metric_history_bulk(ml, ID ", " ID, "loss", 3, out, err))
CALL(sample, mlplat_metric_sample(ml, ID, "loss", 2, MLPLAT_AXIS_STEP, out, err))
CALL(sample_by_time, mlplat_metric_sample(ml, ID, "loss", 2, MLPLAT_AXIS_TIME, out, err))
CALL(model_create, create_model(ml, out, err))
CALL(model_get, mlplat_logged_model_get(ml, "m-1", out, err))
CALL(model_finalize, mlplat_logged_model_finalize(ml, "m-1", "READY", out, err))
CALL(model_tags, mlplat_logged_model_set_tags(ml, "m-1", "{\"a\": \"b\"}", err))
CALL(model_untag, mlplat_logged_model_delete_tag(ml, "m-1", "a b", err))
CALL(model_params, mlplat_logged_model_log_params(ml, "m-1", "{\"depth\": \"6\"}", err))
CALL(model_other_params, mlplat_logged_model_log_params(ml, "m-1", "{\"depth\": \"7\"}", err))
CALL(model_delete, mlplat_logged_model_delete(ml, "m-1", err))
CALL(models_found, search_models(ml, "name = 'a'", NULL, "metrics.auc DESC, name", out, err))
CALL(models_on_data, search_models(ml, NULL, "[{\"dataset_name\": \"d\", \"dataset_digest\": \"1\"}]",
                                   "[{\"field_name\": \"name\", \"ascending\": true}]", out, err))
CALL(models_on_names, search_models(ml, NULL, "[{\"dataset_name\": \"d\"}]", NULL, out, err))
CALL(models_badly_asked, search_models(ml, "name >", NULL, NULL, out, err))
CALL(models_on_nothing, search_models(ml, NULL, "[{}]", NULL, out, err))
CALL(models_on_no_list, search_models(ml, NULL, "{}", NULL, out, err))
CALL(models_on_a_number, search_models(ml, NULL, "[{\"dataset_name\": \"d\", \"dataset_digest\": 1}]", NULL, out, err))
CALL(models_in_no_order, search_models(ml, NULL, NULL, "[{}]", out, err))
CALL(artifacts, mlplat_artifact_list(ml, "runs:/" ID "/forest", out, err))

/* ---- what becomes of them ---------------------------------------------------------------------------------------- */

static const struct {
    mlplat_status (*call)(mlplat *ml, mlplat_doc **out, mlplat_error *err);
    loopback_step steps[5]; /* what is not told is answered "{}" */
    mlplat_status want;
    const char *words; /* of the error or of the document */
} cases[] = {
    {experiment_create, {{.on = "create", .json = "{\"experiment_id\": \"7\"}"}}, MLPLAT_OK, NULL},
    {experiment_create,
     {{.on = "create", .status = TAKEN}, {.on = "get-by-name", .json = ACTIVE}},
     MLPLAT_EXISTS,
     "(id 7)"},
    {experiment_create,
     {{.on = "create", .status = TAKEN}, {.on = "get-by-name", .json = DELETED}},
     MLPLAT_EXISTS,
     "is deleted"},
    {experiment_create,
     {{.on = "create", .status = TAKEN}, {.on = "get-by-name", .status = NONE}},
     MLPLAT_EXISTS,
     "it is so"},
    {experiment_create, {{.on = "create", LOST}, {.on = "get-by-name", .json = ACTIVE}}, MLPLAT_OK, NULL},
    {experiment_by_name, {{.on = "get-by-name", .json = ACTIVE}}, MLPLAT_OK, "active"},
    {experiment_list, {{.on = "search", .json = "{\"experiments\": [{\"experiment_id\": \"7\"}]}"}}, MLPLAT_OK, "tags"},
    {experiment_list, {{.on = "search", .json = "{\"experiments\": [7]}"}}, MLPLAT_CORRUPT, "no experiment"},
    {experiment_found, {{.on = "name = 'e'", .json = "{\"next_page_token\": \"x\"}"}}, MLPLAT_OK, "\"experiments\":[]"},
    {experiment_by_number, {{.on = "search", .status = BAD}}, MLPLAT_UNSUPPORTED, "MLflow 3.17"},
    {experiment_of_ids, {{.on = "none"}}, MLPLAT_INVALID, "experiment_ids"},
    {experiment_rename, {{.on = "none"}}, MLPLAT_OK, NULL},
    {experiment_rename,
     {{.on = "update", .status = BAD}, {.on = "/get?", .json = DELETED}},
     MLPLAT_STATE,
     "restore it first"},
    {experiment_rename,
     {{.on = "update", .status = BAD},
      {.on = "/get?", .json = ACTIVE},
      {.on = "by-name", .json = "{\"experiment\": {\"experiment_id\": \"8\"}}"}},
     MLPLAT_EXISTS,
     "(id 8)"},
    {experiment_delete, {{.on = "none"}}, MLPLAT_OK, NULL},
    {experiment_delete, {{.on = "delete", LOST}, {.on = "/get?", .json = DELETED}}, MLPLAT_OK, NULL},
    {experiment_delete,
     {{.on = "delete", LOST}, {.on = "/get?", .json = ACTIVE}},
     MLPLAT_UNAVAILABLE,
     "not known whether"},
    {experiment_delete, {{.on = "delete", .status = NONE}, {.on = "/get?", .status = NONE}}, MLPLAT_NOT_FOUND, "none"},
    {experiment_restore,
     {{.on = "restore", .status = BAD}, {.on = "/get?", .json = ACTIVE}},
     MLPLAT_STATE,
     "only a deleted one"},
    {experiment_tag,
     {{.on = "set-experiment-tag", .status = BAD}, {.on = "/get?", .json = DELETED}},
     MLPLAT_STATE,
     "restore"},
    {experiment_untag, {{.on = "none"}}, MLPLAT_OK, NULL},
    {experiment_untag,
     {{.on = "delete-experiment-tag", .status = "404 Not Found", .json = "no"}},
     MLPLAT_UNSUPPORTED,
     "MLflow 3.2"},
    {runs_found,
     {{.on = "\"order_by\":[\"metrics.`a,b` DESC\",\"run_name\"]", .json = "{\"runs\": [" A_RUN "]}"}},
     MLPLAT_OK,
     ID},
    {runs_of_all,
     {{.on = "experiments/search",
       .json = "{\"experiments\": [{\"experiment_id\": \"7\"}], \"next_page_token\": \"x\"}",
       .once = true},
      {.on = "experiments/search", .json = "{\"experiments\": [{\"experiment_id\": \"8\"}]}"},
      {.on = "\"experiment_ids\":[\"7\",\"8\"]", .json = "{\"runs\": [" A_RUN "]}"}},
     MLPLAT_OK,
     ID},
    {runs_of_all, {{.on = "experiments/search", .status = BAD}}, MLPLAT_INVALID, "no"},
    {runs_of_all, {{.on = "runs/search", .json = "{\"runs\": [{}]}"}}, MLPLAT_CORRUPT, "no run"},
    {runs_badly_asked, {{.on = "runs/search", .status = BAD}}, MLPLAT_INVALID, "filter, "},
    {runs_without_tag, {{.on = "runs/search", .status = BAD}}, MLPLAT_UNSUPPORTED, "MLflow 3.11"},
    {run_delete, {{.on = "none"}}, MLPLAT_OK, NULL},
    {run_start, {{.on = "runs/create", .json = "{\"run\": " A_RUN "}"}}, MLPLAT_OK, NULL},
    {run_start,
     {{.on = "runs/create", LOST}, {.on = "mlplat.op` = '", .json = "{\"runs\": [" A_RUN "]}"}},
     MLPLAT_OK,
     NULL},
    {run_start, {{.on = "runs/create", LOST}, {.on = "runs/create", .json = "{\"run\": " A_RUN "}"}}, MLPLAT_OK, NULL},
    {run_start_nested,
     {{.on = "runs/get", .json = "{\"run\": " A_RUN "}"}, {.on = "runs/create", .json = "{\"run\": " A_RUN "}"}},
     MLPLAT_OK,
     NULL},
    {run_start_nested,
     {{.on = "runs/get",
       .json = "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"0\", "
               "\"lifecycle_stage\": \"deleted\"}}}"}},
     MLPLAT_STATE,
     "restore it first"},
    {run_update, {{.on = "\"run_name\":\"other\""}}, MLPLAT_OK, NULL},
    {run_log_model,
     {{.on = "runs/get",
       .json =
           "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"0\", \"lifecycle_stage\": "
           "\"active\"}, \"data\": {\"metrics\": [{\"key\": \"loss\", \"value\": 1}], \"params\": [{\"key\": \"a\", "
           "\"value\": \"b\"}], \"tags\": [{\"key\": \"mlflow.user\", \"value\": \"ann\"}]}}}"},
      {.on = "get-history",
       .json = "{\"metrics\": [{\"timestamp\": 1, \"step\": 0, \"value\": 1}, {\"timestamp\": 2, "
               "\"step\": 1, \"value\": 2}]}"},
      {.on = "UPLOAD_FAILED", .json = "{\"model\": " A_MODEL "}"},
      {.on = "logged-models", .json = "{\"model\": " A_MODEL "}"}},
     MLPLAT_UNSUPPORTED,
     "s3://b/m-1"},
    {points,
     {{.on = "get-history",
       .json = "{\"metrics\": [{\"timestamp\": 1, \"value\": 1}, {\"timestamp\": 2, \"value\": 2}]}"}},
     MLPLAT_OK,
     NULL},
    {points, {{.on = "get-history", .status = BAD}}, MLPLAT_INVALID, "no"},
    {run_restore, {{.on = "restore", .status = NONE}}, MLPLAT_NOT_FOUND, "none"},
    {history,
     {{.on = "page_token=x",
       .json = "{\"metrics\": [{\"timestamp\": \"1\", \"step\": \"0\", \"value\": \"-Infinity\"}]}"},
      {.on = "get-history",
       .json =
           "{\"metrics\": [{\"timestamp\": 2, \"step\": 1, \"value\": \"NaN\"}, {\"timestamp\": 2, \"step\": 1, "
           "\"value\": 0.5}, {\"timestamp\": 2, \"step\": 0, \"value\": \"Infinity\"}], \"next_page_token\": \"x\"}"}},
     MLPLAT_OK,
     "-Infinity"},
    {history, {{.on = "runs/get", .status = NONE}}, MLPLAT_NOT_FOUND, "none"},
    {history, {{.on = "runs/get", .json = "{\"run\": " A_RUN "}"}}, MLPLAT_OK, "\"metrics\":[]"},
    {history_page,
     {{.on = "get-history",
       .json = "{\"metrics\": [{\"timestamp\": 1, \"value\": 1}, {\"timestamp\": 2, \"value\": 2}]}"}},
     MLPLAT_OK,
     "next_page_token"},
    {history_bulk,
     {{.on = "get-history", .json = "{\"metrics\": [{\"timestamp\": 1, \"value\": 1}]}"}},
     MLPLAT_OK,
     "run_id"},
    {history_bulk, {{.on = "get-history", .status = BAD}}, MLPLAT_INVALID, "no"},
    {sample,
     {{.on = "get-history", .json = "{\"metrics\": [{\"timestamp\": 1, \"step\": 3, \"value\": 1}]}"}},
     MLPLAT_OK,
     "\"step\":3"},
    {sample_by_time,
     {{.on = "get-history", .json = "{\"metrics\": [{\"timestamp\": 9, \"value\": 1}, {\"timestamp\": 5}]}"}},
     MLPLAT_OK,
     "5"},
    {sample, {{.on = "get-history", .status = BAD}}, MLPLAT_INVALID, "no"},
    {model_create, {{.on = "logged-models", .json = "{\"model\": " A_MODEL "}"}}, MLPLAT_OK, "m-1"},
    {model_create,
     {{.on = "logged-models", .status = BAD}, {.on = "/get?", .json = DELETED}},
     MLPLAT_STATE,
     "restore it first"},
    {model_create,
     {{.on = "logged-models HTTP", LOST}, {.on = "logged-models/search", .json = "{\"models\": [" A_MODEL "]}"}},
     MLPLAT_OK,
     "m-1"},
    {model_create,
     {{.on = "logged-models HTTP", LOST}, {.on = "logged-models HTTP", .json = "{\"model\": " A_MODEL "}"}},
     MLPLAT_OK,
     "m-1"},
    {model_create, {{.on = "logged-models HTTP", .reply = "", .end = LOOPBACK_RESET}}, MLPLAT_UNAVAILABLE, NULL},
    {model_get, {{.on = "logged-models/m-1 ", .json = "{\"model\": " A_MODEL "}"}}, MLPLAT_OK, "s3://b/m-1"},
    {model_finalize, {{.on = "LOGGED_MODEL_READY", .json = "{\"model\": " A_MODEL "}"}}, MLPLAT_OK, "m-1"},
    {model_tags, {{.on = "none"}}, MLPLAT_OK, NULL},
    {model_untag, {{.on = "/m-1/tags/a%20b", .status = NONE}}, MLPLAT_NOT_FOUND, "none"},
    {model_params, {{.on = "none"}}, MLPLAT_OK, NULL},
    {model_params, {{.on = "/params", LOST}, {.on = "/m-1 ", .json = "{\"model\": " WITH_PARAM "}"}}, MLPLAT_OK, NULL},
    {model_other_params,
     {{.on = "/params", .status = BAD}, {.on = "/m-1 ", .json = "{\"model\": " WITH_PARAM "}"}},
     MLPLAT_EXISTS,
     "'depth' already"},
    {model_params, {{.on = "/params", .status = BAD}, {.on = "/m-1 ", .status = NONE}}, MLPLAT_INVALID, "no"},
    {model_delete, {{.on = "DELETE", .status = NONE}}, MLPLAT_NOT_FOUND, "none"},
    {models_found,
     {{.on = "\"order_by\":[{\"field_name\":\"metrics.auc\",\"ascending\":false},{\"field_name\":\"name\","
             "\"ascending\":true}]",
       .json = "{\"models\": [" A_MODEL "]}"}},
     MLPLAT_OK,
     "m-1"},
    {models_found, {{.on = "search", .json = "{\"models\": [1]}"}}, MLPLAT_CORRUPT, "no logged model"},
    {models_on_data, {{.on = "\"datasets\":[{", .json = "{\"models\": [" A_MODEL "]}"}}, MLPLAT_OK, "m-1"},
    {models_on_names, {{.on = "none"}}, MLPLAT_UNSUPPORTED, "dataset_digest"},
    {models_badly_asked, {{.on = "search", .status = BAD}}, MLPLAT_INVALID, "filter, "},
    {models_on_nothing, {{.on = "none"}}, MLPLAT_INVALID, "dataset_name"},
    {models_on_no_list, {{.on = "none"}}, MLPLAT_INVALID, "JSON list"},
    {models_on_a_number, {{.on = "none"}}, MLPLAT_INVALID, "no text"},
    {models_in_no_order, {{.on = "none"}}, MLPLAT_INVALID, "field_name"},
    {artifacts,
     {{.on = "runs/get",
       .json = "{\"run\": {\"info\": {\"run_id\": \"" ID
               "\", \"experiment_id\": \"0\", \"artifact_uri\": \"/shared/1\"}}}"},
      {.on = "logged-models/search",
       .json = "{\"models\": [{\"info\": {\"model_id\": \"m-1\", \"artifact_uri\": \"/etc\"}}]}"}},
     MLPLAT_DENIED,
     "/etc"},
};

static mlplat_status run_case(fixture *f, size_t i, mlplat_doc **doc, mlplat_error *err)
{
    size_t n = 0;
    while (n < 5 && cases[i].steps[n].on)
        n++;
    loopback_script(f->server, cases[i].steps, n);
    return cases[i].call(f->ml, doc, err);
}

static void a_call_makes_of_an_answer_what_it_means(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        reopen(f, "/shared");
        mlplat_status s = run_case(f, i, &doc, &err);
        const char *text = doc ? mlplat_doc_text(doc) : err.message;
        if (s != cases[i].want || (cases[i].words && !strstr(text, cases[i].words)))
            fail_msg("case %zu, %s: %s, not %s: %s\nthe last request: %s", i, cases[i].steps[0].on,
                     mlplat_status_name(s), mlplat_status_name(cases[i].want), text,
                     loopback_request(f->server, loopback_requests(f->server) - 1));
        assert_true(s == MLPLAT_OK || !doc);
        mlplat_doc_free(doc);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* What is OK is whole. A refusal whose reason cannot be asked for stays the refusal, a lost answer stays lost. */
static bool truthful(size_t i, mlplat_status s, const mlplat_doc *doc)
{
    if (s == MLPLAT_OK && doc && cases[i].words && !strstr(mlplat_doc_text(doc), cases[i].words))
        return false;
    bool may_be_ours = cases[i].call == experiment_create || cases[i].call == experiment_restore ||
                       cases[i].call == experiment_delete; /* by name or stage, where the answer was not read */
    return s == cases[i].want || s != MLPLAT_OK || may_be_ours;
}

/* Ours and jansson's; a fifth of them, others for each case, and all with MLPLAT_HEAVY=1. */
static void a_failed_allocation_is_told_and_no_answer_is_taken_for_another(void **state)
{
    fixture *f = *state;
    long failed = 0, memory = 0, step = getenv("MLPLAT_HEAVY") ? 1 : 5;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].call == run_start || cases[i].call == artifacts) /* made offline; read from elsewhere */
            continue;
        mlplat_close(f->ml);
        loopback_stop(f->server);
        f->server = loopback_start(); /* it takes so many connections in its life */
        f->ml = NULL;
        bool fired = true;
        for (long nth = (long)i % step; fired; nth += step) {
            mlplat_error err = {0};
            mlplat_doc *doc = NULL;
            reopen(f, "/shared");
            scarce_memory_begin(nth);
            mlplat_status s = run_case(f, i, &doc, &err);
            fired = scarce_memory_end();
            if (!truthful(i, s, doc))
                fail_msg("case %zu, %s, allocation %ld: %s, not %s: %s", i, cases[i].steps[0].on, nth,
                         mlplat_status_name(s), mlplat_status_name(cases[i].want), err.message);
            memory += s == MLPLAT_NO_MEMORY;
            failed += s != cases[i].want;
            mlplat_doc_free(doc);
        }
    }
    print_message("%ld calls failed, %ld of them with NO_MEMORY\n", failed, memory);
    assert_true(memory > 300 && memory > failed * 3 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_makes_of_an_answer_what_it_means),
        CASE(a_failed_allocation_is_told_and_no_answer_is_taken_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
