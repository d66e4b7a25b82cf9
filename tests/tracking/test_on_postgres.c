/* What a session on a PostgreSQL server does when it opens a store: MLflow's first experiment, where artifacts go, and
 * a role that may only read. */
#include "db/db.h"
#include "support/own_postgres.h"
#include <stdlib.h>
#include <unistd.h>

static test_postgres *pg;

typedef struct fixture {
    char *folder;
    const char *uri;
    mlplat *ml;
} fixture;

static int setup(void **state)
{
    static int n;
    fixture *f = calloc(1, sizeof *f);
    char name[32];
    snprintf(name, sizeof name, "settled_%d", ++n);
    f->folder = test_folder_make();
    test_clear_environment();
    test_postgres_create(pg, name, mlp_schema_newest);
    f->uri = strdup(test_postgres_uri(pg, name));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    mlplat_close(f->ml);
    unsetenv("MLPLAT_ARTIFACT_ROOT");
    test_folder_remove(f->folder);
    free((char *)f->uri);
    free(f);
    return 0;
}

static void open_store(fixture *f, const char *uri)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.spool_dir = test_path(f->folder, "spool");
    assert_ok(mlplat_open(&options, &f->ml, &err));
}

/* Where the artifacts of a new experiment go. */
static char *place_of_a_new_one(fixture *f)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *id = NULL;
    const char *place = NULL;
    assert_ok(mlplat_experiment_ensure(f->ml, "new", &id, &err));
    assert_ok(mlplat_experiment_get(f->ml, id, &doc, &err));
    assert_ok(mlplat_doc_string(doc, "artifact_location", &place, &err));
    char *out = strdup(place);
    mlplat_doc_free(doc);
    mlplat_free(id);
    return out;
}

#define FIRST(what) "SELECT " what " FROM experiments WHERE experiment_id = 0"

static void a_store_without_an_experiment_gets_mlflows_first(void **state)
{
    fixture *f = *state;
    char root[600], first[620];
    snprintf(root, sizeof root, "file://%s/root", f->folder);
    snprintf(first, sizeof first, "%s/0", root);
    test_postgres_sql(f->uri, "DELETE FROM experiments");
    setenv("MLPLAT_ARTIFACT_ROOT", root, 1);
    open_store(f, f->uri);
    char *place = place_of_a_new_one(f);
    assert_int_equal(strncmp(place, root, strlen(root)), 0);
    free(place);
    assert_string_equal(test_postgres_sql(f->uri, FIRST("name")), "Default");
    assert_string_equal(test_postgres_sql(f->uri, FIRST("artifact_location")), first);
    assert_string_equal(test_postgres_sql(f->uri, FIRST("lifecycle_stage")), "active");
    assert_true(test_postgres_number(f->uri, FIRST("creation_time")) > 0);
}

static void artifacts_go_where_those_of_the_first_experiment_do(void **state)
{
    fixture *f = *state;
    test_postgres_sql(f->uri, "UPDATE experiments SET artifact_location = 's3://bucket/theirs/0'");
    open_store(f, f->uri);
    char *place = place_of_a_new_one(f);
    assert_int_equal(strncmp(place, "s3://bucket/theirs/", 19), 0);
    free(place);
}

static void without_a_word_of_it_artifacts_go_to_mlruns_here(void **state)
{
    fixture *f = *state;
    char before[1000], expected[1200];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(f->folder), 0);
    assert_non_null(getcwd(expected, sizeof expected - 100));
    strcat(expected, "/mlruns/");
    test_postgres_sql(f->uri, "UPDATE experiments SET artifact_location = 's3://bucket/elsewhere'");
    open_store(f, f->uri);
    char *place = place_of_a_new_one(f);
    assert_int_equal(chdir(before), 0);
    assert_non_null(strstr(place, expected));
    free(place);
}

static void a_role_that_may_keep_no_marks_can_only_read(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *id = NULL, uri[300];
    snprintf(uri, sizeof uri, "postgresql://reader%s", strchr(f->uri, '@'));
    test_postgres_sql(f->uri, "REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE reader LOGIN; "
                              "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO reader");
    open_store(f, uri);
    assert_ok(mlplat_experiment_get(f->ml, "0", &doc, &err));
    mlplat_doc_free(doc);
    assert_status(mlplat_experiment_ensure(f->ml, "new", &id, &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "mlplat_journal"));
    assert_int_equal(test_postgres_number(f->uri, "SELECT count(*) FROM experiments"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_store_without_an_experiment_gets_mlflows_first),
        CASE(artifacts_go_where_those_of_the_first_experiment_do),
        CASE(without_a_word_of_it_artifacts_go_to_mlruns_here),
        CASE(a_role_that_may_keep_no_marks_can_only_read),
    };
    if (!(pg = test_postgres_start()))
        return 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_postgres_stop(pg);
    return failed;
}
