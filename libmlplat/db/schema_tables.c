#include "db/schema_tables.h"

/* tests/integration/test_schema_walk.py compares this, revision by revision, with what the installed MLflow makes. */
const mlp_schema_table mlp_schema_tables[] = {
    {0, "alembic_version",
     "version_num s32!",
     "pk alembic_version_pkc (version_num)"},
    {0, "runs",
     "run_uuid s32!, name s250, source_type s20, source_name s500, entry_point_name s50, user_id s256, status s9, "
     "start_time b, end_time b, source_version s50, lifecycle_stage s20, artifact_uri s200, experiment_id i, "
     "deleted_time b",
     "pk run_pk (run_uuid);"
     "ck source_type (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT'));"
     "ck runs_lifecycle_stage (lifecycle_stage IN ('active', 'deleted'));"
     "fk - (experiment_id) experiments (experiment_id);"
     "ck - (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))"},
    {0, "latest_metrics",
     "key s250!, value f!, timestamp b, step b!, is_nan o!, run_uuid s32!",
     "pk latest_metric_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid);"
     "ck - (is_nan IN (0, 1))"},
    {0, "metrics",
     "key s250!, value f!, timestamp b!, run_uuid s32!, step b!='0', is_nan o!='0'",
     "pk metric_pk (key, timestamp, step, run_uuid, value, is_nan);"
     "fk - (run_uuid) runs (run_uuid);"
     "ck - (is_nan IN (0, 1))"},
    {0, "inputs",
     "input_uuid s36!, source_type s36!, source_id s36!, destination_type s36!, destination_id s36!, "
     "step b!='0' +5",
     "pk inputs_pk (source_type, source_id, destination_type, destination_id)"},
    {0, "input_tags",
     "input_uuid s36!, name s255!, value s500!",
     "pk input_tags_pk (input_uuid, name)"},
    {0, "params",
     "key s250!, value s8000!, run_uuid s32!",
     "pk param_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid)"},
    {0, "trace_tags",
     "key s250!, value s8000, request_id s50!",
     "pk trace_tag_pk (key, request_id);"
     "fk fk_trace_tags_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {0, "trace_request_metadata",
     "key s250!, value s8000, request_id s50!",
     "pk trace_request_metadata_pk (key, request_id);"
     "fk fk_trace_request_metadata_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {0, "tags",
     "key s250!, value s5000 -2, value s8000 +2, run_uuid s32!",
     "pk tag_pk (key, run_uuid);"
     "fk - (run_uuid) runs (run_uuid)"},
    {0, "datasets",
     "dataset_uuid s36!, experiment_id i!, name s500!, digest s36!, dataset_source_type s36!, dataset_source t!, "
     "dataset_schema t, dataset_profile t",
     "pk dataset_pk (experiment_id, name, digest);"
     "fk - (experiment_id) experiments (experiment_id) -3;"
     "fk fk_datasets_experiment_id_experiments (experiment_id) experiments (experiment_id) ON DELETE CASCADE +3"},
    {0, "experiments",
     "experiment_id i!, name s256!, artifact_location s256, lifecycle_stage s32, creation_time b, "
     "last_update_time b, workspace s63!='default' +24",
     "pk experiment_pk (experiment_id);"
     "ck experiments_lifecycle_stage (lifecycle_stage IN ('active', 'deleted'));"
     "uq - (name) -24;"
     "uq uq_experiments_workspace_name (workspace, name) +24"},
    {0, "registered_models",
     "name s256!, creation_time b, last_updated_time b, description s5000, workspace s63!='default' +24",
     "pk registered_model_pk (name) -24;"
     "uq - (name) -24;"
     "pk registered_model_pk (workspace, name) +24"},
    {0, "model_versions",
     "name s256!, version i!, creation_time b, last_updated_time b, description s5000, user_id s256, "
     "current_stage s20, source s500, run_id s32, status s20, status_message s500, run_link s500, "
     "storage_location s500, workspace s63!='default' +24",
     "pk model_version_pk (name, version) -24;"
     "fk - (name) registered_models (name) ON UPDATE CASCADE -24;"
     "pk model_version_pk (workspace, name, version) +24;"
     "fk fk_model_versions_registered_models (workspace, name) registered_models (workspace, name) ON UPDATE "
     "CASCADE +24"},
    {0, "registered_model_tags",
     "key s250!, value s5000, name s256!, workspace s63!='default' +24",
     "pk registered_model_tag_pk (key, name) -24;"
     "fk - (name) registered_models (name) ON UPDATE CASCADE -24;"
     "pk registered_model_tag_pk (workspace, key, name) +24;"
     "fk fk_registered_model_tags_registered_models (workspace, name) registered_models (workspace, name) ON "
     "UPDATE CASCADE +24"},
    {0, "model_version_tags",
     "key s250!, value s5000 -6, value t +6, name s256!, version i!, workspace s63!='default' +24",
     "pk model_version_tag_pk (key, name, version) -24;"
     "fk - (name, version) model_versions (name, version) ON UPDATE CASCADE -24;"
     "pk model_version_tag_pk (workspace, key, name, version) +24;"
     "fk fk_model_version_tags_model_versions (workspace, name, version) model_versions (workspace, name, "
     "version) ON UPDATE CASCADE +24"},
    {0, "registered_model_aliases",
     "alias s256!, version i!, name s256!, workspace s63!='default' +24",
     "pk registered_model_alias_pk (name, alias) -24;"
     "fk registered_model_alias_name_fkey (name) registered_models (name) ON DELETE CASCADE ON UPDATE CASCADE -24;"
     "pk registered_model_alias_pk (workspace, name, alias) +24;"
     "fk fk_registered_model_aliases_registered_models (workspace, name) registered_models (workspace, name) ON "
     "DELETE CASCADE ON UPDATE CASCADE +24"},
    {0, "trace_info",
     "request_id s50!, experiment_id i!, timestamp_ms b!, execution_time_ms b, status s50!, "
     "client_request_id s50 +7, request_preview s1000 +7, response_preview s1000 +7, "
     "db_payload_generation i!='0' +31, trace_name s4096 +41, session_id s250 +41, input_tokens b +41, "
     "output_tokens b +41, total_tokens b +41, cache_read_input_tokens b +41, cache_creation_input_tokens b +41, "
     "cache_creation_input_tokens_above_1hr b +41, input_cost f +41, output_cost f +41, total_cost f +41",
     "pk trace_info_pk (request_id);"
     "fk fk_trace_info_experiment_id (experiment_id) experiments (experiment_id) -37;"
     "fk fk_trace_info_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE +37"},
    {0, "experiment_tags",
     "key s250!, value s5000 -39, value t +39, experiment_id i!",
     "pk experiment_tag_pk (key, experiment_id);"
     "fk - (experiment_id) experiments (experiment_id)"},
    {4, "logged_models",
     "model_id s36!, experiment_id i!, name s500!, artifact_location s1000!, creation_timestamp_ms b!, "
     "last_updated_timestamp_ms b!, status i!, lifecycle_stage s32, model_type s500, source_run_id s32, "
     "status_message s1000",
     "pk logged_models_pk (model_id);"
     "ck logged_models_lifecycle_stage_check (lifecycle_stage IN ('active', 'deleted'));"
     "fk fk_logged_models_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {4, "logged_model_metrics",
     "model_id s36!, metric_name s500!, metric_timestamp_ms b!, metric_step b!, metric_value f, experiment_id i!, "
     "run_id s32!, dataset_uuid s36, dataset_name s500, dataset_digest s36",
     "pk logged_model_metrics_pk (model_id, metric_name, metric_timestamp_ms, metric_step, run_id);"
     "fk fk_logged_model_metrics_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_metrics_model_id (model_id) logged_models (model_id) ON DELETE CASCADE;"
     "fk fk_logged_model_metrics_run_id (run_id) runs (run_uuid) ON DELETE CASCADE"},
    {4, "logged_model_params",
     "model_id s36!, experiment_id i!, param_key s255!, param_value t!",
     "pk logged_model_params_pk (model_id, param_key);"
     "fk fk_logged_model_params_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_params_model_id (model_id) logged_models (model_id) ON DELETE CASCADE"},
    {4, "logged_model_tags",
     "model_id s36!, experiment_id i!, tag_key s255!, tag_value t!",
     "pk logged_model_tags_pk (model_id, tag_key);"
     "fk fk_logged_model_tags_experiment_id (experiment_id) experiments (experiment_id);"
     "fk fk_logged_model_tags_model_id (model_id) logged_models (model_id) ON DELETE CASCADE"},
    {8, "assessments",
     "assessment_id s50!, trace_id s50!, name s250!, assessment_type s20!, value t!, error t, "
     "created_timestamp b!, last_updated_timestamp b!, source_type s50!, source_id s250, run_id s32, span_id s50, "
     "rationale t, overrides s50, valid o!, assessment_metadata t, experiment_id i +41, trace_timestamp_ms b +41, "
     "aggregate_value f +41, is_numeric_value o!=0 +41",
     "pk assessments_pk (assessment_id);"
     "fk fk_assessments_trace_id (trace_id) trace_info (request_id) ON DELETE CASCADE"},
    {9, "spans",
     "trace_id s50!, experiment_id i!, span_id s50!, parent_span_id s50, name t, type s500, status s50!, "
     "start_time_unix_nano b!, end_time_unix_nano b, duration_ns b@end_time_unix_nano - start_time_unix_nano, "
     "content t!, dimension_attributes j +23 -41, input_cost f +41, output_cost f +41, total_cost f +41, "
     "model_name s500 +41, model_provider s500 +41",
     "pk spans_pk (trace_id, span_id);"
     "fk fk_spans_trace_id (trace_id) trace_info (request_id) ON DELETE CASCADE;"
     "fk fk_spans_experiment_id (experiment_id) experiments (experiment_id)"},
    {10, "entity_associations",
     "association_id s36!, source_type s36!, source_id s36!, destination_type s36!, destination_id s36!, "
     "created_time b",
     "pk entity_associations_pk (source_type, source_id, destination_type, destination_id)"},
    {11, "webhook_events",
     "webhook_id s256!, entity s50!, action s50!",
     "pk webhook_event_pk (webhook_id, entity, action);"
     "fk - (webhook_id) webhooks (webhook_id) ON DELETE CASCADE"},
    {11, "webhooks",
     "webhook_id s256!, name s256!, description s1000, url s500!, status s20!='ACTIVE', secret s1000, "
     "creation_timestamp b, last_updated_timestamp b, deleted_timestamp b, workspace s63!='default' +24",
     "pk webhook_pk (webhook_id)"},
    {12, "scorers",
     "experiment_id i!, scorer_name s256!, scorer_id s36!",
     "pk scorer_pk (scorer_id);"
     "fk fk_scorers_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE"},
    {12, "scorer_versions",
     "scorer_id s36!, scorer_version i!, serialized_scorer t!, creation_time b",
     "pk scorer_version_pk (scorer_id, scorer_version);"
     "fk fk_scorer_versions_scorer_id (scorer_id) scorers (scorer_id) ON DELETE CASCADE"},
    {13, "evaluation_dataset_tags",
     "dataset_id s36!, key s255!, value s5000",
     "pk evaluation_dataset_tags_pk (dataset_id, key);"
     "fk fk_evaluation_dataset_tags_dataset_id (dataset_id) evaluation_datasets (dataset_id) ON DELETE CASCADE"},
    {13, "evaluation_dataset_records",
     "dataset_record_id s36!, dataset_id s36!, inputs j!, expectations j, tags j, source j, source_id s36, "
     "source_type s255, created_time b, last_update_time b, created_by s255, last_updated_by s255, "
     "input_hash s64!, outputs j +14",
     "pk evaluation_dataset_records_pk (dataset_record_id);"
     "fk fk_evaluation_dataset_records_dataset_id (dataset_id) evaluation_datasets (dataset_id) ON DELETE CASCADE;"
     "uq unique_dataset_input (dataset_id, input_hash)"},
    {13, "evaluation_datasets",
     "dataset_id s36!, name s255!, schema t, profile t, digest s64, created_time b, last_update_time b, "
     "created_by s255, last_updated_by s255, workspace s63!='default' +24",
     "pk evaluation_datasets_pk (dataset_id)"},
    {15, "jobs",
     "id s36!, creation_time b!, function_fullname s500! -18, job_name s500! +18, params t!, timeout f, "
     "status i!, result t, retry_count i!, last_update_time b!, workspace s63!='default' +24, "
     "status_details j +27, creator s255 +40, executor_backend s255 +42, lease_expires_at b +42, "
     "status_message t +42, progress j +42, progress_updated_at b +42, token_hash s64 +42, "
     "scoped_permissions j +42, next_attempt_at b +42",
     "pk jobs_pk (id)"},
    {16, "endpoint_model_mappings",
     "mapping_id s36!, endpoint_id s36!, model_definition_id s36!, weight f!, created_by s255, created_at b!, "
     "linkage_type s64!='PRIMARY' +19, fallback_order i +19",
     "pk endpoint_model_mappings_pk (mapping_id);"
     "fk fk_endpoint_model_mappings_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE;"
     "fk fk_endpoint_model_mappings_model_definition_id (model_definition_id) model_definitions "
     "(model_definition_id)"},
    {16, "endpoint_bindings",
     "endpoint_id s36!, resource_type s50!, resource_id s255!, created_at b!, created_by s255, "
     "last_updated_at b!, last_updated_by s255, display_name s255 +21",
     "pk endpoint_bindings_pk (endpoint_id, resource_type, resource_id);"
     "fk fk_endpoint_bindings_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE"},
    {16, "endpoint_tags",
     "key s250!, value s5000, endpoint_id s36!",
     "pk endpoint_tag_pk (key, endpoint_id);"
     "fk fk_endpoint_tags_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE"},
    {16, "secrets",
     "secret_id s36!, secret_name s255!, encrypted_value x!, wrapped_dek x!, kek_version i!, masked_value s500!, "
     "provider s64, auth_config t, description t, created_by s255, created_at b!, last_updated_by s255, "
     "last_updated_at b!, workspace s63!='default' +24",
     "pk secrets_pk (secret_id);"
     "uq uq_secrets_workspace_secret_name (workspace, secret_name) +24"},
    {16, "endpoints",
     "endpoint_id s36!, name s255, created_by s255, created_at b!, last_updated_by s255, last_updated_at b!, "
     "routing_strategy s64 +19, fallback_config_json t +19, experiment_id i +22, usage_tracking o!='0' +22, "
     "workspace s63!='default' +24",
     "pk endpoints_pk (endpoint_id);"
     "fk fk_endpoints_experiment_id (experiment_id) experiments (experiment_id) ON DELETE SET NULL +22;"
     "uq uq_endpoints_workspace_name (workspace, name) +24"},
    {16, "model_definitions",
     "model_definition_id s36!, name s255!, secret_id s36, provider s64!, model_name s256!, created_by s255, "
     "created_at b!, last_updated_by s255, last_updated_at b!, workspace s63!='default' +24",
     "pk model_definitions_pk (model_definition_id);"
     "fk fk_model_definitions_secret_id (secret_id) secrets (secret_id) ON DELETE SET NULL;"
     "uq uq_model_definitions_workspace_name (workspace, name) +24"},
    {17, "trace_metrics",
     "request_id s50!, key s250!, value f",
     "pk trace_metrics_pk (request_id, key);"
     "fk fk_trace_metrics_request_id (request_id) trace_info (request_id) ON DELETE CASCADE"},
    {20, "online_scoring_configs",
     "online_scoring_config_id s36!, scorer_id s36!, sample_rate f!, experiment_id i!, filter_string t",
     "pk online_scoring_config_pk (online_scoring_config_id);"
     "fk fk_online_scoring_configs_scorer_id (scorer_id) scorers (scorer_id) ON DELETE CASCADE;"
     "fk fk_online_scoring_configs_experiment_id (experiment_id) experiments (experiment_id)"},
    {23, "span_metrics",
     "trace_id s50!, span_id s50!, key s250!, value f",
     "pk span_metrics_pk (trace_id, span_id, key);"
     "fk fk_span_metrics_span (trace_id, span_id) spans (trace_id, span_id) ON DELETE CASCADE"},
    {24, "workspaces",
     "name s63!, description t, default_artifact_root t, trace_archival_location t +31, "
     "trace_archival_retention s32 +31",
     "pk workspaces_pk (name)"},
    {25, "budget_policies",
     "budget_policy_id s36!, budget_unit s32!, budget_amount f!, duration_unit s32!, duration_value i!, "
     "target_scope s32!, budget_action s32!, created_by s255, created_at b!, last_updated_by s255, "
     "last_updated_at b!, workspace s63!='default', target_value s255 +36",
     "pk budget_policies_pk (budget_policy_id)"},
    {26, "issues",
     "issue_id s36!, experiment_id i!, name s250!, description t!, status s50!, severity s50, root_causes t, "
     "source_run_id s32, categories t, created_timestamp b!, last_updated_timestamp b!, created_by s255",
     "pk issues_pk (issue_id);"
     "fk fk_issues_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "fk fk_issues_source_run_id (source_run_id) runs (run_uuid) ON DELETE SET NULL"},
    {29, "guardrails",
     "guardrail_id s36!, name s255!, scorer_id s36!, scorer_version i!, stage s32!, action s32!, "
     "action_endpoint_id s36, created_by s255, created_at b!, last_updated_by s255, last_updated_at b!, "
     "workspace s63!='default'",
     "pk guardrails_pk (guardrail_id);"
     "fk fk_guardrails_scorer_version (scorer_id, scorer_version) scorer_versions (scorer_id, scorer_version);"
     "fk fk_guardrails_action_endpoint_id (action_endpoint_id) endpoints (endpoint_id) ON DELETE SET NULL"},
    {29, "guardrail_configs",
     "endpoint_id s36!, guardrail_id s36!, execution_order i, created_by s255, created_at b!, "
     "workspace s63!='default'",
     "pk guardrail_configs_pk (endpoint_id, guardrail_id);"
     "fk fk_guardrail_configs_endpoint_id (endpoint_id) endpoints (endpoint_id) ON DELETE CASCADE;"
     "fk fk_guardrail_configs_guardrail_id (guardrail_id) guardrails (guardrail_id) ON DELETE CASCADE"},
    {32, "label_schemas",
     "schema_id s36!, experiment_id i!, name s250!, type s16!, instruction t, enable_comment o!='0', "
     "input_type s32!, input_config t!, created_by s255, created_time b!, last_update_time b!, is_default o!=0",
     "pk label_schemas_pk (schema_id);"
     "fk fk_label_schemas_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "uq uq_label_schemas_exp_name (experiment_id, name)"},
    {33, "review_queues",
     "queue_id s36!, experiment_id i!, name s250!, queue_type s16!, created_by s255, creation_time_ms b!, "
     "last_update_time_ms b!, name_key s250!",
     "pk review_queues_pk (queue_id);"
     "fk fk_review_queues_experiment_id (experiment_id) experiments (experiment_id) ON DELETE CASCADE;"
     "uq uq_review_queues_experiment_name_key (experiment_id, name_key)"},
    {33, "review_queue_users",
     "queue_id s36!, user_id s250!",
     "pk review_queue_users_pk (queue_id, user_id);"
     "fk fk_review_queue_users_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {33, "review_queue_items",
     "queue_id s36!, item_type s16!, item_id s50!, status s16!, completed_by s250, completed_time_ms b, "
     "creation_time_ms b!, last_update_time_ms b!",
     "pk review_queue_items_pk (queue_id, item_id);"
     "fk fk_review_queue_items_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {33, "review_queue_label_schemas",
     "queue_id s36!, schema_id s36!",
     "pk review_queue_label_schemas_pk (queue_id, schema_id);"
     "fk fk_review_queue_label_schemas_queue_id (queue_id) review_queues (queue_id) ON DELETE CASCADE"},
    {34, "mcp_servers",
     "workspace s63!='default', name s256!, display_name s256, description t, icons j, created_by s256, "
     "last_updated_by s256, created_at b!, last_updated_at b!",
     "pk mcp_servers_pk (workspace, name)"},
    {34, "mcp_server_versions",
     "workspace s63!='default', name s256!, version s128!, version_major i!, version_minor i!, version_patch i!, "
     "version_prerelease_sort_key s512!, server_json j!, status s20!='draft', tools j, source s512, "
     "connect_options j, created_by s256, last_updated_by s256, created_at b!, last_updated_at b!",
     "pk mcp_server_versions_pk (workspace, name, version);"
     "fk mcp_server_versions_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON "
     "UPDATE CASCADE"},
    {34, "mcp_server_tags",
     "workspace s63!='default', name s256!, key s250!, value s5000",
     "pk mcp_server_tags_pk (workspace, name, key);"
     "fk mcp_server_tags_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE "
     "CASCADE"},
    {34, "mcp_server_version_tags",
     "workspace s63!='default', name s256!, version s128!, key s250!, value s5000",
     "pk mcp_server_version_tags_pk (workspace, name, version, key);"
     "fk mcp_server_version_tags_version_fkey (workspace, name, version) mcp_server_versions (workspace, name, "
     "version) ON DELETE CASCADE ON UPDATE CASCADE"},
    {34, "mcp_server_aliases",
     "workspace s63!='default', name s256!, alias s256!, version s128!",
     "pk mcp_server_aliases_pk (workspace, name, alias);"
     "fk mcp_server_aliases_server_fkey (workspace, name) mcp_servers (workspace, name) ON DELETE CASCADE ON "
     "UPDATE CASCADE"},
    {34, "mcp_access_endpoints",
     "id s36!, workspace s63!='default', server_name s256!, server_version s128, server_alias s256, url s2048!, "
     "transport_type s32!='streamable-http', created_by s256, last_updated_by s256, created_at b!, "
     "last_updated_at b!",
     "pk mcp_access_endpoints_pk (id);"
     "fk mcp_access_endpoints_server_fkey (workspace, server_name) mcp_servers (workspace, name) ON DELETE "
     "CASCADE ON UPDATE CASCADE"},
    {41, "sql_trace_metric_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, trace_status s50, "
     "sample_count b!, sum_value f, min_value f, max_value f, p50_value f, p90_value f, p99_value f",
     "pk sql_trace_metric_daily_rollups_pk (id)"},
    {41, "sql_span_cost_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, model_name s500, "
     "model_provider s500, sample_count b!, sum_value f, min_value f, max_value f",
     "pk sql_span_cost_daily_rollups_pk (id)"},
    {41, "sql_assessment_daily_rollups",
     "id i!, experiment_id i!, rollup_day d!, metric_name s250!, grouping_set s50!, sample_count b!, sum_value f, "
     "min_value f, max_value f",
     "pk sql_assessment_daily_rollups_pk (id)"},
    {41, "sql_trace_rollup_rebuild_queue",
     "experiment_id i!, rollup_day d!, rollup_family s50!",
     "pk sql_trace_rollup_rebuild_queue_pk (experiment_id, rollup_day, rollup_family)"},
    {42, "scheduler_leases",
     "lease_key s255!, acquired_at b!, ttl_seconds i!",
     "pk scheduler_leases_pk (lease_key)"},
    {42, "job_locks",
     "lock_key s255!, job_id s36!, acquired_at b!",
     "pk job_locks_pk (lock_key);"
     "fk fk_job_locks_job_id (job_id) jobs (id) ON DELETE CASCADE"},
    {0},
};
