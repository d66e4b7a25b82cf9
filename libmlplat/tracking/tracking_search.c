#include "tracking/tracking_search.h"

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static const mlp_search_entity run_metrics = {
    .title = "a metric",
    .table = "latest_metrics x",
    .match = "x.run_uuid = r.run_uuid",
    .owner = "x.run_uuid",
    .object = "r.run_uuid",
    .columns = true,
    .key = "x.key",
    .value = "x.value",
    .nan = "x.is_nan",
    .compares = MLP_SEARCH_NUMBERS,
    .kind = MLP_SEARCH_DOUBLE,
    .order = true,
};
static const mlp_search_entity run_params = {
    .title = "a param",
    .table = "params x",
    .match = "x.run_uuid = r.run_uuid",
    .owner = "x.run_uuid",
    .object = "r.run_uuid",
    .key = "x.key",
    .value = "x.value",
    .compares = MLP_SEARCH_TEXTS | MLP_SEARCH_NULL,
    .order = true,
};
static const mlp_search_entity run_tags = {
    .title = "a tag",
    .table = "tags x",
    .match = "x.run_uuid = r.run_uuid",
    .owner = "x.run_uuid",
    .object = "r.run_uuid",
    .key = "x.key",
    .value = "x.value",
    .compares = MLP_SEARCH_TEXTS | MLP_SEARCH_NULL,
    .order = true,
};

#define RUN_NAME(name)                                                                                                 \
    {                                                                                                                  \
        name, "r.name", MLP_SEARCH_TEXTS, MLP_SEARCH_QUOTED, &run_tags, "mlflow.runName"                               \
    }
#define RUN_TIME(name, column)                                                                                         \
    {                                                                                                                  \
        name, column, MLP_SEARCH_NUMBERS, MLP_SEARCH_TIME, NULL, NULL                                                  \
    }
#define TEXT(name, column)                                                                                             \
    {                                                                                                                  \
        name, column, MLP_SEARCH_TEXTS, MLP_SEARCH_QUOTED, NULL, NULL                                                  \
    }
#define LISTED(name, column)                                                                                           \
    {                                                                                                                  \
        name, column, MLP_SEARCH_TEXTS | MLP_SEARCH_LIST, MLP_SEARCH_QUOTED, NULL, NULL                                \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, NULL, 0, MLP_SEARCH_QUOTED, NULL, NULL                                                                   \
    }

/* The names that an order may have too come first. Runs of old MLflow have their name in the tag alone. */
#define RUN_ATTRIBUTES                                                                                                 \
    LISTED("run_id", "r.run_uuid"), RUN_NAME("run_name"), TEXT("status", "r.status"), TEXT("user_id", "r.user_id"),    \
        TEXT("artifact_uri", "r.artifact_uri"), RUN_TIME("start_time", "r.start_time"),                                \
        RUN_TIME("end_time", "r.end_time"), RUN_TIME("created", "r.start_time"), RUN_TIME("Created", "r.start_time")
static const mlp_search_attribute run_orders[] = {RUN_ATTRIBUTES, END};
static const mlp_search_attribute run_names[] = {RUN_ATTRIBUTES, RUN_NAME("run name"), RUN_NAME("Run name"),
                                                 RUN_NAME("Run Name"), END};
static const mlp_search_entity run_attributes = {.title = "an attribute", .of = run_names};
static const mlp_search_entity run_order_attributes = {.title = "an attribute", .of = run_orders};

static const mlp_search_attribute dataset_names[] = {LISTED("name", "d.name"), LISTED("digest", "d.digest"),
                                                     LISTED("context", "c.value"), END};
static const mlp_search_entity run_datasets = {
    .title = "a dataset",
    .of = dataset_names,
    .table = "inputs x JOIN datasets d ON d.dataset_uuid = x.source_id "
             "LEFT JOIN input_tags c ON c.input_uuid = x.input_uuid AND c.name = 'mlflow.data.context'",
    .match = "x.destination_id = r.run_uuid",
};

#define RUN_PREFIXES(attributes)                                                                                       \
    {"metric", &run_metrics}, {"metrics", &run_metrics}, {"parameter", &run_params}, {"parameters", &run_params},      \
        {"param", &run_params}, {"params", &run_params}, {"tag", &run_tags}, {"tags", &run_tags},                      \
        {"attribute", &(attributes)}, {"attributes", &(attributes)}, {"attr", &(attributes)}, {"run", &(attributes)},  \
    {                                                                                                                  \
        "", &(attributes)                                                                                              \
    }
static const mlp_search_prefix run_filter_prefixes[] = {
    RUN_PREFIXES(run_attributes), {"dataset", &run_datasets}, {"datasets", &run_datasets}, {NULL, NULL}};
static const mlp_search_prefix run_order_prefixes[] = {RUN_PREFIXES(run_order_attributes), {NULL, NULL}};

const mlp_search_language mlp_tracking_search_runs = {
    .names = "expected metrics.<key>, params.<key>, tags.<key>, datasets.name, .digest or .context, or an attribute: "
             "run_id, run_name, status, user_id, artifact_uri, start_time, end_time",
    .prefixes = run_filter_prefixes,
    .orders = run_order_prefixes,
    .ties = {{"r.start_time", "r.start_time DESC"}, {"r.run_uuid", "r.run_uuid"}, {NULL, NULL}},
    .row = "r.rowid",
    .nulls_last = true,
    .quoted_entities = true,
};

/* ---- experiments ------------------------------------------------------------------------------------------------- */

static const mlp_search_entity experiment_tags = {
    .title = "a tag",
    .table = "experiment_tags x",
    .match = "x.experiment_id = e.experiment_id",
    .key = "x.key",
    .value = "x.value",
    .compares = MLP_SEARCH_TEXTS | MLP_SEARCH_NULL,
};
static const mlp_search_attribute experiment_names[] = {
    TEXT("name", "e.name"),
    {"experiment_id", "e.experiment_id", MLP_SEARCH_EQUAL | MLP_SEARCH_LIST, MLP_SEARCH_ID, NULL, NULL},
    {"creation_time", "e.creation_time", MLP_SEARCH_NUMBERS, MLP_SEARCH_WHOLE, NULL, NULL},
    {"last_update_time", "e.last_update_time", MLP_SEARCH_NUMBERS, MLP_SEARCH_WHOLE, NULL, NULL},
    END,
};
static const mlp_search_entity experiment_attributes = {.title = "an attribute", .of = experiment_names};
static const mlp_search_prefix experiment_prefixes[] = {{"attribute", &experiment_attributes},
                                                        {"", &experiment_attributes},
                                                        {"tag", &experiment_tags},
                                                        {"tags", &experiment_tags},
                                                        {NULL, NULL}};

const mlp_search_language mlp_tracking_search_experiments = {
    .names = "expected name, experiment_id, creation_time, last_update_time or, in a filter, tags.<key>",
    .prefixes = experiment_prefixes,
    .orders = experiment_prefixes,
    .default_order = "e.creation_time DESC, e.experiment_id",
    .ties = {{"e.experiment_id", "e.experiment_id DESC"}, {NULL, NULL}},
    .twice = true,
    .capitals = true,
};

/* ---- logged models ----------------------------------------------------------------------------------------------- */

static const mlp_search_entity model_metrics = {
    .title = "a metric",
    .table = "logged_model_metrics x",
    .match = "x.model_id = m.model_id",
    .key = "x.metric_name",
    .value = "x.metric_value",
    .newest = "PARTITION BY x.model_id ORDER BY x.metric_timestamp_ms DESC, x.metric_step DESC, x.run_id",
    .compares = MLP_SEARCH_NUMBERS,
    .kind = MLP_SEARCH_DOUBLE,
    .order = true,
    .among = true,
};
static const mlp_search_entity model_params = {
    .title = "a param",
    .table = "logged_model_params x",
    .match = "x.model_id = m.model_id",
    .key = "x.param_key",
    .value = "x.param_value",
    .compares = MLP_SEARCH_TEXTS | MLP_SEARCH_LIST,
};
static const mlp_search_entity model_tags = {
    .title = "a tag",
    .table = "logged_model_tags x",
    .match = "x.model_id = m.model_id",
    .key = "x.tag_key",
    .value = "x.tag_value",
    .compares = MLP_SEARCH_TEXTS | MLP_SEARCH_LIST,
};

#define MODEL_TIME(name, column)                                                                                       \
    {                                                                                                                  \
        name, column, MLP_SEARCH_NUMBERS, MLP_SEARCH_DOUBLE, NULL, NULL                                                \
    }
#define MODEL_ATTRIBUTES                                                                                               \
    LISTED("model_id", "m.model_id"), LISTED("experiment_id", "m.experiment_id"), LISTED("name", "m.name"),            \
        LISTED("artifact_location", "m.artifact_location"), LISTED("status", "m.status"),                              \
        LISTED("lifecycle_stage", "m.lifecycle_stage"), LISTED("model_type", "m.model_type"),                          \
        LISTED("source_run_id", "m.source_run_id"), LISTED("status_message", "m.status_message"),                      \
        MODEL_TIME("creation_timestamp_ms", "m.creation_timestamp_ms"),                                                \
        MODEL_TIME("last_updated_timestamp_ms", "m.last_updated_timestamp_ms")
static const mlp_search_attribute model_names[] = {MODEL_ATTRIBUTES, END};
static const mlp_search_attribute model_short_names[] = {
    MODEL_ATTRIBUTES, MODEL_TIME("creation_time", "m.creation_timestamp_ms"),
    MODEL_TIME("creation_timestamp", "m.creation_timestamp_ms"),
    MODEL_TIME("last_updated_timestamp", "m.last_updated_timestamp_ms"), END};
static const mlp_search_entity model_attributes = {.title = "an attribute", .of = model_names};
static const mlp_search_entity model_short_attributes = {.title = "an attribute", .of = model_short_names};
static const mlp_search_prefix model_prefixes[] = {{"metrics", &model_metrics},   {"params", &model_params},
                                                   {"tags", &model_tags},         {"attributes", &model_attributes},
                                                   {"", &model_short_attributes}, {NULL, NULL}};
static const mlp_search_prefix model_order_prefixes[] = {
    {"metrics", &model_metrics}, {"", &model_short_attributes}, {NULL, NULL}};

const mlp_search_language mlp_tracking_search_models = {
    .names = "expected metrics.<key>, in a filter params.<key> or tags.<key>, or an attribute: model_id, name, "
             "experiment_id, status, model_type, source_run_id, creation_timestamp, last_updated_timestamp",
    .prefixes = model_prefixes,
    .orders = model_order_prefixes,
    .ties = {{"m.creation_timestamp_ms", "m.creation_timestamp_ms DESC"}, {"m.model_id", "m.model_id"}, {NULL, NULL}},
    .nulls_last = true,
    .twice = true,
    .bare_texts = true,
};
