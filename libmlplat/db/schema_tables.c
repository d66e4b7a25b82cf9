#include "db/schema_tables.h"

/* MLflow 3.17's head. tests/integration/test_schema.py compares all of this with what the installed MLflow makes. */
const char mlp_schema_head[] = "dc11669786a5";

const mlp_schema_table mlp_schema_tables[] = {
    {"alembic_version", "version_num s32!", "pk alembic_version_pkc (version_num)"},
    {"runs",
     "run_uuid s32!, name s250, source_type s20, source_name s500, entry_point_name s50, user_id s256, "
     "status s9, start_time b, end_time b, source_version s50, lifecycle_stage s20, artifact_uri s200, "
     "experiment_id i, deleted_time b",
     "pk run_pk (run_uuid);"
     "ck source_type (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT'));"
     "ck runs_lifecycle_stage (lifecycle_stage IN ('active', 'deleted'));"
     "fk - (experiment_id) experiments (experiment_id);"
     "ck - (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))"},
    {"latest_metrics", "key s250!, value f!, timestamp b, step b!, is_nan o!, run_uuid s32!",
     "pk latest_metric_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid);"
     "ck - (is_nan IN (0, 1))"},
    {"metrics", "key s250!, value f!, timestamp b!, run_uuid s32!, step b!='0', is_nan o!='0'",
     "pk metric_pk (key, timestamp, step, run_uuid, value, is_nan);"
     "fk - (run_uuid) runs (run_uuid);"
     "ck - (is_nan IN (0, 1))"},
    {"inputs",
     "input_uuid s36!, source_type s36!, source_id s36!, destination_type s36!, destination_id s36!, "
     "step b!='0'",
     "pk inputs_pk (source_type, source_id, destination_type, destination_id)"},
    {"input_tags", "input_uuid s36!, name s255!, value s500!", "pk input_tags_pk (input_uuid, name)"},
    {"params", "key s250!, value s8000!, run_uuid s32!",
     "pk param_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid)"},
    {"trace_tags", "key s250!, value s8000, request_id s50!",
     "pk trace_tag_pk (key, request_id);"
     "fk fk_trace_tags_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {"trace_request_metadata", "key s250!, value s8000, request_id s50!",
     "pk trace_request_metadata_pk (key, request_id);"
     "fk fk_trace_request_metadata_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {"tags", "key s250!, value s8000, run_uuid s32!",
     "pk tag_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid)"},
    {"datasets",
     "dataset_uuid s36!, experiment_id i!, name s500!, digest s36!, dataset_source_type s36!, "
     "dataset_source t!, dataset_schema t, dataset_profile t",
     "pk dataset_pk (experiment_id, name, digest);"
     "fk fk_datasets_experiment_id_experiments (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {"logged_models",
     "model_id s36!, experiment_id i!, name s500!, artifact_location s1000!, creation_timestamp_ms b!, "
     "last_updated_timestamp_ms b!, status i!, lifecycle_stage s32, model_type s500, source_run_id s32, "
     "status_message s1000",
     "pk logged_models_pk (model_id);"
     "ck logged_models_lifecycle_stage_check (lifecycle_stage IN ('active', 'deleted'));"
     "fk fk_logged_models_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {"logged_model_metrics",
     "model_id s36!, metric_name s500!, metric_timestamp_ms b!, metric_step b!, metric_value f, "
     "experiment_id i!, run_id s32!, dataset_uuid s36, dataset_name s500, dataset_digest s36",
     "pk logged_model_metrics_pk (model_id, metric_name, metric_timestamp_ms, metric_step, run_id);"
     "fk fk_logged_model_metrics_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_metrics_model_id (model_id) logged_models (model_id) ON DELETE CASCADE;"
     "fk fk_logged_model_metrics_run_id (run_id) runs (run_uuid) ON DELETE CASCADE"},
    {"logged_model_params", "model_id s36!, experiment_id i!, param_key s255!, param_value t!",
     "pk logged_model_params_pk (model_id, param_key);"
     "fk fk_logged_model_params_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_params_model_id (model_id) logged_models (model_id) ON DELETE CASCADE"},
    {"logged_model_tags", "model_id s36!, experiment_id i!, tag_key s255!, tag_value t!",
     "pk logged_model_tags_pk (model_id, tag_key);"
     "fk fk_logged_model_tags_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_tags_model_id (model_id) logged_models (model_id) ON DELETE CASCADE"},
    {"entity_associations",
     "association_id s36!, source_type s36!, source_id s36!, destination_type s36!, destination_id s36!, "
     "created_time b",
     "pk entity_associations_pk (source_type, source_id, destination_type, destination_id)"},
    {"webhook_events", "webhook_id s256!, entity s50!, action s50!",
     "pk webhook_event_pk (webhook_id, entity, action);"
     "fk - (webhook_id) webhooks (webhook_id) ON DELETE CASCADE"},
    {"scorers", "experiment_id i!, scorer_name s256!, scorer_id s36!",
     "pk scorer_pk (scorer_id);"
     "fk fk_scorers_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {"scorer_versions", "scorer_id s36!, scorer_version i!, serialized_scorer t!, creation_time b",
     "pk scorer_version_pk (scorer_id, scorer_version);"
     "fk fk_scorer_versions_scorer_id (scorer_id) scorers (scorer_id) ON DELETE CASCADE"},
    {"evaluation_dataset_tags", "dataset_id s36!, key s255!, value s5000",
     "pk evaluation_dataset_tags_pk (dataset_id, key);"
     "fk fk_evaluation_dataset_tags_dataset_id (dataset_id) evaluation_datasets (dataset_id) ON DELETE CASCADE"},
    {"evaluation_dataset_records",
     "dataset_record_id s36!, dataset_id s36!, inputs j!, expectations j, tags j, source j, source_id s36, "
     "source_type s255, created_time b, last_update_time b, created_by s255, last_updated_by s255, "
     "input_hash s64!, outputs j",
     "pk evaluation_dataset_records_pk (dataset_record_id);"
     "fk fk_evaluation_dataset_records_dataset_id (dataset_id) evaluation_datasets (dataset_id) ON DELETE "
     "CASCADE;"
     "uq unique_dataset_input (dataset_id, input_hash)"},
    {"endpoint_model_mappings",
     "mapping_id s36!, endpoint_id s36!, model_definition_id s36!, weight f!, created_by s255, created_at b!, "
     "linkage_type s64!='PRIMARY', fallback_order i",
     "pk endpoint_model_mappings_pk (mapping_id);"
     "fk fk_endpoint_model_mappings_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE;"
     "fk fk_endpoint_model_mappings_model_definition_id (model_definition_id) model_definitions "
     "(model_definition_id)"},
    {"endpoint_bindings",
     "endpoint_id s36!, resource_type s50!, resource_id s255!, created_at b!, created_by s255, "
     "last_updated_at b!, last_updated_by s255, display_name s255",
     "pk endpoint_bindings_pk (endpoint_id, resource_type, resource_id);"
     "fk fk_endpoint_bindings_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE"},
    {"endpoint_tags", "key s250!, value s5000, endpoint_id s36!",
     "pk endpoint_tag_pk (key, endpoint_id);"
     "fk fk_endpoint_tags_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE"},
    {"trace_metrics", "request_id s50!, key s250!, value f",
     "pk trace_metrics_pk (request_id, key);"
     "fk fk_trace_metrics_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {"online_scoring_configs",
     "online_scoring_config_id s36!, scorer_id s36!, sample_rate f!, experiment_id i!, filter_string t",
     "pk online_scoring_config_pk (online_scoring_config_id);"
     "fk fk_online_scoring_configs_scorer_id (scorer_id) scorers (scorer_id) ON DELETE CASCADE;"
     "fk fk_online_scoring_configs_experiment_id (experiment_id) experiments (experiment_id)"},
    {"span_metrics", "trace_id s50!, span_id s50!, key s250!, value f",
     "pk span_metrics_pk (trace_id, span_id, key);"
     "fk fk_span_metrics_span (trace_id, span_id) spans (trace_id, span_id) ON DELETE CASCADE"},
    {"experiments",
     "experiment_id i!, name s256!, artifact_location s256, lifecycle_stage s32, creation_time b, "
     "last_update_time b, workspace s63!='default'",
     "pk experiment_pk (experiment_id);"
     "ck experiments_lifecycle_stage (lifecycle_stage IN ('active', 'deleted'));"
     "uq uq_experiments_workspace_name (workspace, name)"},
    {"registered_models",
     "name s256!, creation_time b, last_updated_time b, description s5000, workspace s63!='default'",
     "pk registered_model_pk (workspace, name)"},
    {"model_versions",
     "name s256!, version i!, creation_time b, last_updated_time b, description s5000, user_id s256, "
     "current_stage s20, source s500, run_id s32, status s20, status_message s500, run_link s500, "
     "storage_location s500, workspace s63!='default'",
     "pk model_version_pk (workspace, name, version);"
     "fk fk_model_versions_registered_models (workspace, name) registered_models (workspace, name) ON UPDATE "
     "CASCADE"},
    {"registered_model_tags", "key s250!, value s5000, name s256!, workspace s63!='default'",
     "pk registered_model_tag_pk (workspace, key, name);"
     "fk fk_registered_model_tags_registered_models (workspace, name) registered_models (workspace, name) ON "
     "UPDATE CASCADE"},
    {"model_version_tags", "key s250!, value t, name s256!, version i!, workspace s63!='default'",
     "pk model_version_tag_pk (workspace, key, name, version);"
     "fk fk_model_version_tags_model_versions (workspace, name, version) model_versions (workspace, name, "
     "version) ON UPDATE CASCADE"},
    {"registered_model_aliases", "alias s256!, version i!, name s256!, workspace s63!='default'",
     "pk registered_model_alias_pk (workspace, name, alias);"
     "fk fk_registered_model_aliases_registered_models (workspace, name) registered_models (workspace, name) ON "
     "DELETE CASCADE ON UPDATE CASCADE"},
    {"evaluation_datasets",
     "dataset_id s36!, name s255!, schema t, profile t, digest s64, created_time b, last_update_time b, "
     "created_by s255, last_updated_by s255, workspace s63!='default'",
     "pk evaluation_datasets_pk (dataset_id)"},
    {"webhooks",
     "webhook_id s256!, name s256!, description s1000, url s500!, status s20!='ACTIVE', secret s1000, "
     "creation_timestamp b, last_updated_timestamp b, deleted_timestamp b, workspace s63!='default'",
     "pk webhook_pk (webhook_id)"},
    {"secrets",
     "secret_id s36!, secret_name s255!, encrypted_value x!, wrapped_dek x!, kek_version i!, "
     "masked_value s500!, provider s64, auth_config t, description t, created_by s255, created_at b!, "
     "last_updated_by s255, last_updated_at b!, workspace s63!='default'",
     "pk secrets_pk (secret_id);"
     "uq uq_secrets_workspace_secret_name (workspace, secret_name)"},
    {"endpoints",
     "endpoint_id s36!, name s255, created_by s255, created_at b!, last_updated_by s255, last_updated_at b!, "
     "routing_strategy s64, fallback_config_json t, experiment_id i, usage_tracking o!='0', "
     "workspace s63!='default'",
     "pk endpoints_pk (endpoint_id);"
     "fk fk_endpoints_experiment_id (experiment_id) experiments (experiment_id) ON DELETE SET NULL;"
     "uq uq_endpoints_workspace_name (workspace, name)"},
    {"model_definitions",
     "model_definition_id s36!, name s255!, secret_id s36, provider s64!, model_name s256!, created_by s255, "
     "created_at b!, last_updated_by s255, last_updated_at b!, workspace s63!='default'",
     "pk model_definitions_pk (model_definition_id);"
     "fk fk_model_definitions_secret_id (secret_id) secrets (secret_id) ON DELETE SET NULL;"
     "uq uq_model_definitions_workspace_name (workspace, name)"},
    {"jobs",
     "id s36!, creation_time b!, job_name s500!, params t!, timeout f, status i!, result t, retry_count i!, "
     "last_update_time b!, workspace s63!='default', status_details j, creator s255, executor_backend s255, "
     "lease_expires_at b, status_message t, progress j, progress_updated_at b, token_hash s64, "
     "scoped_permissions j, next_attempt_at b",
     "pk jobs_pk (id)"},
    {"workspaces",
     "name s63!, description t, default_artifact_root t, trace_archival_location t, "
     "trace_archival_retention s32",
     "pk workspaces_pk (name)"},
    {"budget_policies",
     "budget_policy_id s36!, budget_unit s32!, budget_amount f!, duration_unit s32!, duration_value i!, "
     "target_scope s32!, budget_action s32!, created_by s255, created_at b!, last_updated_by s255, "
     "last_updated_at b!, workspace s63!='default', target_value s255",
     "pk budget_policies_pk (budget_policy_id)"},
    {"issues",
     "issue_id s36!, experiment_id i!, name s250!, description t!, status s50!, severity s50, root_causes t, "
     "source_run_id s32, categories t, created_timestamp b!, last_updated_timestamp b!, created_by s255",
     "pk issues_pk (issue_id);"
     "fk fk_issues_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "fk fk_issues_source_run_id (source_run_id) runs (run_uuid) ON DELETE SET NULL"},
    {"guardrails",
     "guardrail_id s36!, name s255!, scorer_id s36!, scorer_version i!, stage s32!, action s32!, "
     "action_endpoint_id s36, created_by s255, created_at b!, last_updated_by s255, last_updated_at b!, "
     "workspace s63!='default'",
     "pk guardrails_pk (guardrail_id);"
     "fk fk_guardrails_scorer_version (scorer_id, scorer_version) scorer_versions (scorer_id, scorer_version);"
     "fk fk_guardrails_action_endpoint_id (action_endpoint_id) endpoints (endpoint_id) ON DELETE SET NULL"},
    {"guardrail_configs",
     "endpoint_id s36!, guardrail_id s36!, execution_order i, created_by s255, created_at b!, "
     "workspace s63!='default'",
     "pk guardrail_configs_pk (endpoint_id, guardrail_id);"
     "fk fk_guardrail_configs_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE;"
     "fk fk_guardrail_configs_guardrail_id (guardrail_id) guardrails (guardrail_id) ON DELETE CASCADE"},
    {"label_schemas",
     "schema_id s36!, experiment_id i!, name s250!, type s16!, instruction t, enable_comment o!='0', "
     "input_type s32!, input_config t!, created_by s255, created_time b!, last_update_time b!, is_default o!=0",
     "pk label_schemas_pk (schema_id);"
     "fk fk_label_schemas_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "uq uq_label_schemas_exp_name (experiment_id, name)"},
    {"review_queues",
     "queue_id s36!, experiment_id i!, name s250!, queue_type s16!, created_by s255, creation_time_ms b!, "
     "last_update_time_ms b!, name_key s250!",
     "pk review_queues_pk (queue_id);"
     "fk fk_review_queues_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "uq uq_review_queues_experiment_name_key (experiment_id, name_key)"},
    {"review_queue_users", "queue_id s36!, user_id s250!",
     "pk review_queue_users_pk (queue_id, user_id);"
     "fk fk_review_queue_users_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {"review_queue_items",
     "queue_id s36!, item_type s16!, item_id s50!, status s16!, completed_by s250, completed_time_ms b, "
     "creation_time_ms b!, last_update_time_ms b!",
     "pk review_queue_items_pk (queue_id, item_id);"
     "fk fk_review_queue_items_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {"review_queue_label_schemas", "queue_id s36!, schema_id s36!",
     "pk review_queue_label_schemas_pk (queue_id, schema_id);"
     "fk fk_review_queue_label_schemas_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {"mcp_servers",
     "workspace s63!='default', name s256!, display_name s256, description t, icons j, created_by s256, "
     "last_updated_by s256, created_at b!, last_updated_at b!",
     "pk mcp_servers_pk (workspace, name)"},
    {"mcp_server_versions",
     "workspace s63!='default', name s256!, version s128!, version_major i!, version_minor i!, "
     "version_patch i!, version_prerelease_sort_key s512!, server_json j!, status s20!='draft', tools j, "
     "source s512, connect_options j, created_by s256, last_updated_by s256, created_at b!, last_updated_at b!",
     "pk mcp_server_versions_pk (workspace, name, version);"
     "fk mcp_server_versions_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON "
     "UPDATE CASCADE"},
    {"mcp_server_tags", "workspace s63!='default', name s256!, key s250!, value s5000",
     "pk mcp_server_tags_pk (workspace, name, key);"
     "fk mcp_server_tags_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE"
     " CASCADE"},
    {"mcp_server_version_tags", "workspace s63!='default', name s256!, version s128!, key s250!, value s5000",
     "pk mcp_server_version_tags_pk (workspace, name, version, key);"
     "fk mcp_server_version_tags_version_fkey (workspace, name, version) mcp_server_versions (workspace, name, "
     "version) ON DELETE CASCADE ON UPDATE CASCADE"},
    {"mcp_server_aliases", "workspace s63!='default', name s256!, alias s256!, version s128!",
     "pk mcp_server_aliases_pk (workspace, name, alias);"
     "fk mcp_server_aliases_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON "
     "UPDATE CASCADE"},
    {"mcp_access_endpoints",
     "id s36!, workspace s63!='default', server_name s256!, server_version s128, server_alias s256, "
     "url s2048!, transport_type s32!='streamable-http', created_by s256, last_updated_by s256, created_at b!, "
     "last_updated_at b!",
     "pk mcp_access_endpoints_pk (id);"
     "fk mcp_access_endpoints_server_fkey (workspace, server_name) mcp_servers (workspace, name) ON DELETE "
     "CASCADE ON UPDATE CASCADE"},
    {"trace_info",
     "request_id s50!, experiment_id i!, timestamp_ms b!, execution_time_ms b, status s50!, "
     "client_request_id s50, request_preview s1000, response_preview s1000, db_payload_generation i!='0', "
     "trace_name s4096, session_id s250, input_tokens b, output_tokens b, total_tokens b, "
     "cache_read_input_tokens b, cache_creation_input_tokens b, cache_creation_input_tokens_above_1hr b, "
     "input_cost f, output_cost f, total_cost f",
     "pk trace_info_pk (request_id);"
     "fk fk_trace_info_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {"experiment_tags", "key s250!, value t, experiment_id i!",
     "pk experiment_tag_pk (key, experiment_id);"
     "fk - (experiment_id) experiments (experiment_id)"},
    {"assessments",
     "assessment_id s50!, trace_id s50!, name s250!, assessment_type s20!, value t!, error t, "
     "created_timestamp b!, last_updated_timestamp b!, source_type s50!, source_id s250, run_id s32, "
     "span_id s50, rationale t, overrides s50, valid o!, assessment_metadata t, experiment_id i, "
     "trace_timestamp_ms b, aggregate_value f, is_numeric_value o!=0",
     "pk assessments_pk (assessment_id);"
     "fk fk_assessments_trace_id (trace_id) trace_info (request_id) ON DELETE CASCADE"},
    {"sql_trace_metric_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, trace_status s50, "
     "sample_count b!, sum_value f, min_value f, max_value f, p50_value f, p90_value f, p99_value f",
     "pk sql_trace_metric_daily_rollups_pk (id)"},
    {"sql_span_cost_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, model_name s500, "
     "model_provider s500, sample_count b!, sum_value f, min_value f, max_value f",
     "pk sql_span_cost_daily_rollups_pk (id)"},
    {"sql_assessment_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, sample_count b!, "
     "sum_value f, min_value f, max_value f",
     "pk sql_assessment_daily_rollups_pk (id)"},
    {"sql_trace_rollup_rebuild_queue", "experiment_id i!, rollup_day d!, rollup_family s50!",
     "pk sql_trace_rollup_rebuild_queue_pk (experiment_id, rollup_day, rollup_family)"},
    {"spans",
     "trace_id s50!, experiment_id i!, span_id s50!, parent_span_id s50, name t, type s500, status s50!, "
     "start_time_unix_nano b!, end_time_unix_nano b, duration_ns b@end_time_unix_nano - start_time_unix_nano, "
     "content t!, input_cost f, output_cost f, total_cost f, model_name s500, model_provider s500",
     "pk spans_pk (trace_id, span_id);"
     "fk fk_spans_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_spans_trace_id (trace_id) trace_info (request_id) ON DELETE CASCADE"},
    {"scheduler_leases", "lease_key s255!, acquired_at b!, ttl_seconds i!", "pk scheduler_leases_pk (lease_key)"},
    {"job_locks", "lock_key s255!, job_id s36!, acquired_at b!",
     "pk job_locks_pk (lock_key);"
     "fk fk_job_locks_job_id (job_id) jobs (id) ON DELETE CASCADE"},
    {0},
};

const mlp_schema_index mlp_schema_indexes[] = {
    {"index_metrics_run_uuid", "metrics", "run_uuid", false},
    {"index_latest_metrics_run_uuid", "latest_metrics", "run_uuid", false},
    {"index_inputs_input_uuid", "inputs", "input_uuid", false},
    {"index_inputs_destination_type_destination_id_source_type", "inputs",
     "destination_type, destination_id, source_type", false},
    {"index_params_run_uuid", "params", "run_uuid", false},
    {"index_trace_tags_request_id", "trace_tags", "request_id", false},
    {"index_trace_request_metadata_request_id", "trace_request_metadata", "request_id", false},
    {"index_tags_run_uuid", "tags", "run_uuid", false},
    {"index_datasets_dataset_uuid", "datasets", "dataset_uuid", false},
    {"index_datasets_experiment_id_dataset_source_type", "datasets", "experiment_id, dataset_source_type", false},
    {"index_logged_model_metrics_model_id", "logged_model_metrics", "model_id", false},
    {"index_entity_associations_association_id", "entity_associations", "association_id", false},
    {"index_entity_associations_reverse_lookup", "entity_associations",
     "destination_type, destination_id, source_type, source_id", false},
    {"idx_webhook_events_entity", "webhook_events", "entity", false},
    {"idx_webhook_events_action", "webhook_events", "action", false},
    {"idx_webhook_events_entity_action", "webhook_events", "entity, action", false},
    {"index_scorers_experiment_id_scorer_name", "scorers", "experiment_id, scorer_name", true},
    {"index_scorer_versions_scorer_id", "scorer_versions", "scorer_id", false},
    {"index_evaluation_dataset_tags_dataset_id", "evaluation_dataset_tags", "dataset_id", false},
    {"index_evaluation_dataset_records_dataset_id", "evaluation_dataset_records", "dataset_id", false},
    {"index_endpoint_model_mappings_endpoint_id", "endpoint_model_mappings", "endpoint_id", false},
    {"index_endpoint_model_mappings_model_definition_id", "endpoint_model_mappings", "model_definition_id", false},
    {"index_endpoint_tags_endpoint_id", "endpoint_tags", "endpoint_id", false},
    {"index_trace_metrics_request_id", "trace_metrics", "request_id", false},
    {"unique_endpoint_model_linkage_mapping", "endpoint_model_mappings",
     "endpoint_id, model_definition_id, linkage_type", true},
    {"index_span_metrics_trace_id_span_id", "span_metrics", "trace_id, span_id", false},
    {"index_evaluation_datasets_name", "evaluation_datasets", "name", false},
    {"index_evaluation_datasets_created_time", "evaluation_datasets", "created_time", false},
    {"idx_webhooks_status", "webhooks", "status", false},
    {"idx_webhooks_name", "webhooks", "name", false},
    {"index_model_definitions_provider", "model_definitions", "provider", false},
    {"index_model_definitions_secret_id", "model_definitions", "secret_id", false},
    {"index_jobs_name_status_creation_time", "jobs", "job_name, workspace, status, creation_time", false},
    {"idx_experiments_workspace", "experiments", "workspace", false},
    {"idx_registered_models_workspace", "registered_models", "workspace", false},
    {"idx_experiments_workspace_creation_time", "experiments", "workspace, creation_time", false},
    {"idx_evaluation_datasets_workspace", "evaluation_datasets", "workspace", false},
    {"idx_webhooks_workspace", "webhooks", "workspace", false},
    {"idx_secrets_workspace", "secrets", "workspace", false},
    {"idx_endpoints_workspace", "endpoints", "workspace", false},
    {"idx_model_definitions_workspace", "model_definitions", "workspace", false},
    {"idx_budget_policies_workspace", "budget_policies", "workspace", false},
    {"index_issues_experiment_id", "issues", "experiment_id", false},
    {"index_issues_source_run_id", "issues", "source_run_id", false},
    {"index_issues_status", "issues", "status", false},
    {"index_metrics_run_uuid_key_step", "metrics", "run_uuid, key, step", false},
    {"idx_guardrails_workspace", "guardrails", "workspace", false},
    {"idx_guardrails_scorer", "guardrails", "scorer_id, scorer_version", false},
    {"idx_guardrail_configs_endpoint_id", "guardrail_configs", "endpoint_id", false},
    {"idx_guardrail_configs_guardrail_id", "guardrail_configs", "guardrail_id", false},
    {"idx_model_version_tags_workspace_name_version", "model_version_tags", "workspace, name, version", false},
    {"idx_registered_model_tags_workspace_name", "registered_model_tags", "workspace, name", false},
    {"index_label_schemas_experiment_id", "label_schemas", "experiment_id", false},
    {"index_review_queues_experiment_id", "review_queues", "experiment_id", false},
    {"index_review_queue_users_user_id", "review_queue_users", "user_id", false},
    {"index_review_queue_items_queue_id_status", "review_queue_items", "queue_id, status", false},
    {"index_review_queue_items_item_id", "review_queue_items", "item_id", false},
    {"index_review_queue_label_schemas_schema_id", "review_queue_label_schemas", "schema_id", false},
    {"idx_mcp_server_versions_latest", "mcp_server_versions",
     "workspace, name, status, version_major DESC, version_minor DESC, version_patch DESC", false},
    {"ix_mcp_access_endpoints_server_name", "mcp_access_endpoints", "workspace, server_name", false},
    {"ix_mcp_access_endpoints_version", "mcp_access_endpoints", "workspace, server_name, server_version", false},
    {"ix_mcp_access_endpoints_alias", "mcp_access_endpoints", "workspace, server_name, server_alias", false},
    {"idx_budget_policies_target_value", "budget_policies", "target_value", false},
    {"index_trace_info_experiment_id_timestamp_ms", "trace_info", "experiment_id, timestamp_ms", false},
    {"index_trace_info_timestamp_ms_request_id", "trace_info", "timestamp_ms, request_id", false},
    {"index_assessments_last_updated_timestamp", "assessments", "last_updated_timestamp", false},
    {"index_assessments_run_id_created_timestamp", "assessments", "run_id, created_timestamp", false},
    {"index_assessments_assessment_type", "assessments", "assessment_type", false},
    {"index_assessments_trace_id_created_timestamp", "assessments", "trace_id, created_timestamp", false},
    {"index_spans_experiment_id_type_status", "spans", "experiment_id, type, status", false},
    {"index_spans_experiment_id_duration", "spans", "experiment_id, duration_ns", false},
    {"index_spans_experiment_id_start_time", "spans", "experiment_id, start_time_unix_nano", false},
    {"index_spans_experiment_id_status_type", "spans", "experiment_id, status, type", false},
    {"index_trace_info_experiment_id_session_id", "trace_info", "experiment_id, session_id", false},
    {"idx_trace_rollups_lookup", "sql_trace_metric_daily_rollups",
     "experiment_id, rollup_day, metric_name, grouping_set, trace_status", false},
    {"idx_span_cost_rollups_lookup", "sql_span_cost_daily_rollups",
     "experiment_id, rollup_day, metric_name, grouping_set, model_name, model_provider", false},
    {"idx_assessment_rollups_lookup", "sql_assessment_daily_rollups",
     "experiment_id, rollup_day, metric_name, grouping_set", false},
    {"idx_spans_cost_trace_time_cover", "spans", "trace_id, start_time_unix_nano", false},
    {"idx_spans_cost_exp_time_cover", "spans", "experiment_id, start_time_unix_nano", false},
    {"idx_assessments_exp_trace_ts", "assessments", "experiment_id, trace_timestamp_ms", false},
    {"idx_assessments_exp_trace_ts_name", "assessments", "experiment_id, trace_timestamp_ms, name", false},
    {"idx_assessments_exp_name_valid", "assessments", "experiment_id, name, valid", false},
    {"index_job_locks_job_id", "job_locks", "job_id", false},
    {"index_jobs_status_lease_expires_at", "jobs", "status, lease_expires_at", false},
    {0},
};

const char mlp_schema_trigger[] =
    "CREATE TRIGGER prevent_secrets_aad_mutation\n"
    "BEFORE UPDATE ON secrets\n"
    "FOR EACH ROW\n"
    "WHEN OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name\n"
    "BEGIN\n"
    "    SELECT RAISE(ABORT, 'secret_id and secret_name are immutable (used as AAD in encryption)');\n"
    "END";
