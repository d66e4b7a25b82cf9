#include "registry/registry_search.h"

#define TEXT(name, column)                                                                                             \
    {                                                                                                                  \
        name, column, MLP_SEARCH_TEXTS, MLP_SEARCH_QUOTED, NULL, NULL                                                  \
    }
#define LISTED(name, column)                                                                                           \
    {                                                                                                                  \
        name, column, MLP_SEARCH_TEXTS | MLP_SEARCH_LIST, MLP_SEARCH_QUOTED, NULL, NULL                                \
    }
#define COUNT(name, column)                                                                                            \
    {                                                                                                                  \
        name, column, MLP_SEARCH_NUMBERS, MLP_SEARCH_COUNT, NULL, NULL                                                 \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, NULL, 0, MLP_SEARCH_QUOTED, NULL, NULL                                                                   \
    }

#define TAGS(rows, of)                                                                                                 \
    {                                                                                                                  \
        .title = "a tag", .table = (rows), .match = (of), .key = "x.key", .value = "x.value",                          \
        .compares = MLP_SEARCH_TEXTS                                                                                   \
    }
#define PREFIXES(attributes, tags)                                                                                     \
    {"attribute", &(attributes)}, {"", &(attributes)}, {"tag", &(tags)}, {"tags", &(tags)},                            \
    {                                                                                                                  \
        NULL, NULL                                                                                                     \
    }

/* ---- registered models ------------------------------------------------------------------------------------------- */

#define MODEL_NAMES                                                                                                    \
    "expected name or, in a filter, tags.<key>; an order may also have timestamp or last_updated_timestamp"
static const mlp_search_attribute model_names[] = {LISTED("name", "m.name"), END};
static const mlp_search_entity model_attributes = {.title = "an attribute", .of = model_names};
static const mlp_search_attribute model_order_names[] = {TEXT("name", "m.name"),
                                                         TEXT("timestamp", "m.last_updated_time"),
                                                         TEXT("last_updated_timestamp", "m.last_updated_time"), END};
static const mlp_search_entity model_order_attributes = {.title = "an attribute", .of = model_order_names};
static const mlp_search_prefix model_orders[] = {{"", &model_order_attributes}, {NULL, NULL}};

static const mlp_search_entity model_tags =
    TAGS("registered_model_tags x", "x.name = m.name AND x.workspace = m.workspace");
static const mlp_search_entity old_model_tags = TAGS("registered_model_tags x", "x.name = m.name");
static const mlp_search_prefix model_prefixes[] = {PREFIXES(model_attributes, model_tags)};
static const mlp_search_prefix old_model_prefixes[] = {PREFIXES(model_attributes, old_model_tags)};

const mlp_search_language *mlp_registry_search_models(bool workspaces)
{
    static const mlp_search_language models = {.names = MODEL_NAMES,
                                               .prefixes = model_prefixes,
                                               .orders = model_orders,
                                               .ties = {{"m.name", "m.name"}, {NULL, NULL}},
                                               .bare_attributes = true};
    static const mlp_search_language old_models = {.names = MODEL_NAMES,
                                                   .prefixes = old_model_prefixes,
                                                   .orders = model_orders,
                                                   .ties = {{"m.name", "m.name"}, {NULL, NULL}},
                                                   .bare_attributes = true};
    return workspaces ? &models : &old_models;
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

#define VERSION_NAMES                                                                                                  \
    "expected name, version_number, run_id, source_path or tags.<key>; an order has name, version_number, "            \
    "creation_timestamp or last_updated_timestamp"
#define VERSION_ORDER "v.last_updated_time DESC, v.name, v.version DESC"

static const mlp_search_attribute version_names[] = {LISTED("name", "v.name"), COUNT("version_number", "v.version"),
                                                     LISTED("run_id", "v.run_id"), TEXT("source_path", "v.source"),
                                                     END};
static const mlp_search_entity version_attributes = {.title = "an attribute", .of = version_names};
static const mlp_search_attribute version_order_names[] = {TEXT("name", "v.name"), COUNT("version_number", "v.version"),
                                                           COUNT("creation_timestamp", "v.creation_time"),
                                                           COUNT("last_updated_timestamp", "v.last_updated_time"), END};
static const mlp_search_entity version_order_attributes = {.title = "an attribute", .of = version_order_names};
static const mlp_search_prefix version_orders[] = {
    {"", &version_order_attributes}, {"attribute", &version_order_attributes}, {NULL, NULL}};

static const mlp_search_entity version_tags =
    TAGS("model_version_tags x", "x.name = v.name AND x.version = v.version AND x.workspace = v.workspace");
static const mlp_search_entity old_version_tags =
    TAGS("model_version_tags x", "x.name = v.name AND x.version = v.version");
static const mlp_search_prefix version_prefixes[] = {PREFIXES(version_attributes, version_tags)};
static const mlp_search_prefix old_version_prefixes[] = {PREFIXES(version_attributes, old_version_tags)};

const mlp_search_language *mlp_registry_search_versions(bool workspaces)
{
    static const mlp_search_language versions = {
        .names = VERSION_NAMES,
        .prefixes = version_prefixes,
        .orders = version_orders,
        .default_order = VERSION_ORDER,
        .ties = {{"v.name", "v.name"}, {"v.version", "v.version DESC"}, {NULL, NULL}},
        .bare_attributes = true};
    static const mlp_search_language old_versions = {
        .names = VERSION_NAMES,
        .prefixes = old_version_prefixes,
        .orders = version_orders,
        .default_order = VERSION_ORDER,
        .ties = {{"v.name", "v.name"}, {"v.version", "v.version DESC"}, {NULL, NULL}},
        .bare_attributes = true};
    return workspaces ? &versions : &old_versions;
}
