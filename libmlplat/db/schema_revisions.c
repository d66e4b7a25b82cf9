#include "db/schema_tables.h"

/* The chain of MLflow's revisions from 2.14.0's on, and the first release that has each as its head. */
const mlp_schema_revision mlp_schema_revisions[] = {
    [0] = {"5b0e9adcef9c", "2.14.0"},
    [1] = {"4465047574b1", "2.15.0"},
    [2] = {"f5a4f2784254", "2.17.0"},
    [3] = {"0584bdc529eb", "2.18.0"},
    [4] = {"400f98739977", NULL},
    [5] = {"6953534de441", "3.0.0"},
    [6] = {"bda7b8c39065", "3.0.1"},
    [7] = {"cbc13b556ace", NULL},
    [8] = {"770bee3ae1dd", "3.2.0"},
    [9] = {"a1b2c3d4e5f6", NULL},
    [10] = {"de4033877273", NULL},
    [11] = {"1a0cddfcaa16", "3.3.0"},
    [12] = {"534353b11cbc", NULL},
    [13] = {"71994744cf8e", "3.4.0"},
    [14] = {"3da73c924c2f", NULL},
    [15] = {"bf29a5ff90ea", "3.5.0"},
    [16] = {"1bd49d398cd23", "3.8.0"},
    [17] = {"b7c8d9e0f1a2", NULL},
    [18] = {"5d2d30f0abce", NULL},
    [19] = {"c9d4e5f6a7b8", NULL},
    [20] = {"2c33131f4dae", NULL},
    [21] = {"d3e4f5a6b7c8", "3.9.0"},
    [22] = {"d0e1f2a3b4c5", NULL},
    [23] = {"c8d9e0f1a2b3", NULL},
    [24] = {"1b5f0d9ad7c1", "3.10.0"},
    [25] = {"e1f2a3b4c5d6", NULL},
    [26] = {"76601a5f987d", NULL},
    [27] = {"c3d6457b6d8a", "3.11.0"},
    [28] = {"a5b4c3d2e1f0", NULL},
    [29] = {"ae8bbe7743c9", NULL},
    [30] = {"7d34483879f0", "3.12.0"},
    [31] = {"da6fb0208061", "3.13.0"},
    [32] = {"89d3d66ed43f", NULL},
    [33] = {"b7e4c1a90f23", "3.14.0"},
    [34] = {"a8b9c0d1e2f3", NULL},
    [35] = {"c1d2e3f4a5b6", NULL},
    [36] = {"c3d9e7f1a2b4", NULL},
    [37] = {"6f8d9c3b2a1e", "3.15.0"},
    [38] = {"1971f2d9a75b", NULL},
    [39] = {"17e22815139b", NULL},
    [40] = {"b7e2c1a4d9f3", "3.16.0"},
    [41] = {"75868b020152", NULL},
    [42] = {"dc11669786a5", "3.17.0"},
};
const int mlp_schema_newest = sizeof mlp_schema_revisions / sizeof mlp_schema_revisions[0] - 1;

/* ---- rows -------------------------------------------------------------------------------------------------------- */

#define META(key)                                                                                                      \
    "(SELECT value FROM trace_request_metadata WHERE request_id = trace_info.request_id AND key = '" key "')"
#define OF_SPAN "FROM span_metrics WHERE trace_id = spans.trace_id AND span_id = spans.span_id AND key = "
#define OF_TRACE "FROM trace_metrics WHERE request_id = trace_info.request_id AND key = "
/* A count that is there wins over the one in the JSON text, even if it cannot be read. */
#define TOKENS(key)                                                                                                    \
    {41, MLP_CHANGE_FILL, "trace_info." key,                                                                           \
     "CASE WHEN EXISTS (SELECT 1 " OF_TRACE "'" key "') THEN mlp_count((SELECT value " OF_TRACE "'" key                \
     "')) ELSE mlp_count(mlp_member(" META("mlflow.trace.tokenUsage") ", '" key "')) END"}
#define COST(key) "mlp_finite(mlp_member(" META("mlflow.trace.cost") ", '" key "'))"
#define DIMENSION(key) "substr(json_extract(dimension_attributes, '$.\"mlflow.llm." key "\"'), 1, 500)"

const mlp_schema_change mlp_schema_changes[] = {
    {18, MLP_CHANGE_FILL, "jobs.job_name", "function_fullname"},

    /* What was said of traces in tags, metadata and metrics moves to columns. */
    {41, MLP_CHANGE_REFUSE, "a span whose trace is not there",
     "SELECT trace_id FROM spans WHERE trace_id NOT IN (SELECT request_id FROM trace_info)"},
    {41, MLP_CHANGE_REFUSE, "an assessment whose trace is not there",
     "SELECT trace_id FROM assessments WHERE trace_id NOT IN (SELECT request_id FROM trace_info)"},
    {41, MLP_CHANGE_REFUSE, "a span with dimension_attributes that are no text of a model and its provider",
     "SELECT trace_id || ' ' || span_id FROM spans WHERE CASE WHEN dimension_attributes IS NULL THEN 0 "
     "WHEN NOT json_valid(dimension_attributes) THEN 1 "
     "WHEN json_type(dimension_attributes) NOT IN ('object', 'null') THEN 1 "
     "ELSE EXISTS (SELECT 1 FROM json_each(dimension_attributes) WHERE type NOT IN ('text', 'null') "
     "OR key NOT IN ('mlflow.llm.model', 'mlflow.llm.provider')) END"},
    {41, MLP_CHANGE_FILL, "trace_info.trace_name",
     "(SELECT substr(value, 1, 4096) FROM trace_tags WHERE request_id = trace_info.request_id AND "
     "key = 'mlflow.traceName')"},
    {41, MLP_CHANGE_FILL, "trace_info.session_id", "substr(" META("mlflow.trace.session") ", 1, 250)"},
    TOKENS("input_tokens"),
    TOKENS("output_tokens"),
    TOKENS("total_tokens"),
    TOKENS("cache_read_input_tokens"),
    TOKENS("cache_creation_input_tokens"),
    TOKENS("cache_creation_input_tokens_above_1hr"),
    {41, MLP_CHANGE_FILL, "trace_info.input_cost", COST("input_cost")},
    {41, MLP_CHANGE_FILL, "trace_info.output_cost", COST("output_cost")},
    {41, MLP_CHANGE_FILL, "trace_info.total_cost",
     "coalesce(" COST("total_cost") ", CASE WHEN EXISTS " META("mlflow.gateway.endpointId")
     " THEN (SELECT sum(mlp_finite(value)) FROM span_metrics WHERE trace_id = trace_info.request_id AND "
     "key = 'total_cost') END)"},
    {41, MLP_CHANGE_FILL, "spans.input_cost", "(SELECT mlp_finite(value) " OF_SPAN "'input_cost')"},
    {41, MLP_CHANGE_FILL, "spans.output_cost", "(SELECT mlp_finite(value) " OF_SPAN "'output_cost')"},
    {41, MLP_CHANGE_FILL, "spans.total_cost", "(SELECT mlp_finite(value) " OF_SPAN "'total_cost')"},
    {41, MLP_CHANGE_FILL, "spans.model_name", DIMENSION("model")},
    {41, MLP_CHANGE_FILL, "spans.model_provider", DIMENSION("provider")},
    {41, MLP_CHANGE_FILL, "assessments.experiment_id",
     "(SELECT t.experiment_id FROM trace_info t WHERE t.request_id = assessments.trace_id)"},
    {41, MLP_CHANGE_FILL, "assessments.trace_timestamp_ms",
     "(SELECT t.timestamp_ms FROM trace_info t WHERE t.request_id = assessments.trace_id)"},
    {41, MLP_CHANGE_FILL, "assessments.aggregate_value", "mlp_score(value)"},
    {41, MLP_CHANGE_FILL, "assessments.is_numeric_value", "mlp_is_number(value)"},
    {0, MLP_CHANGE_REFUSE, NULL, NULL},
};

const mlp_schema_after mlp_schema_afters[] = {
    {16,
     "CREATE TRIGGER prevent_secrets_aad_mutation\n"
     "BEFORE UPDATE ON secrets\n"
     "FOR EACH ROW\n"
     "WHEN OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name\n"
     "BEGIN\n"
     "    SELECT RAISE(ABORT, 'secret_id and secret_name are immutable (used as AAD in encryption)');\n"
     "END"},
    {24, "INSERT INTO workspaces (name, description) VALUES ('default', 'Default workspace for legacy resources')"},
    {41, "DELETE FROM trace_tags WHERE key = 'mlflow.traceName'"},
    {41,
     "DELETE FROM trace_request_metadata WHERE key IN ('mlflow.trace.session', 'mlflow.trace.tokenUsage', "
     "'mlflow.trace.cost')"},
    {41,
     "DELETE FROM trace_metrics WHERE key IN ('input_tokens', 'output_tokens', 'total_tokens', "
     "'cache_read_input_tokens', 'cache_creation_input_tokens', 'cache_creation_input_tokens_above_1hr')"},
    {41, "DELETE FROM span_metrics WHERE key IN ('input_cost', 'output_cost', 'total_cost')"},
    /* Jobs that wait or run are not taken over: they end as cancelled. */
    {42,
     "UPDATE jobs SET status = 5, last_update_time = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) "
     "WHERE status IN (0, 1)"},
    {0, NULL},
};
