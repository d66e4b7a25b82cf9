/* The session: options, URIs it has no store for, slots opened once, fork. */
#include "support/support.h"
#include "base/err.h"
#include "session/session.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_session_opens_without_any_setting(void **state)
{
    (void)state;
    mlplat *ml;
    mlplat_error err = {0};
    mlplat_doc *doc;
    const char *value;
    char *folder = test_folder_make(), before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    test_clear_environment();
    assert_ok(mlplat_open(NULL, &ml, &err));
    assert_ok(mlplat_config(ml, &doc, &err));
    assert_ok(mlplat_doc_string(doc, "tracking_uri.value", &value, &err));
    assert_string_equal(value, "sqlite:///mlflow.db");
    assert_ok(mlplat_doc_string(doc, "tracking_uri.source", &value, &err));
    assert_string_equal(value, "default");
    assert_ok(mlplat_flush(ml, 0, &err));
    assert_int_equal(access("mlflow.db", F_OK), -1); /* nothing is made before it is needed */
    mlplat_doc_free(doc);
    mlplat_close(ml);
    mlplat_close(NULL);
    assert_int_equal(chdir(before), 0);
    test_folder_remove(folder);
    assert_string_equal(mlplat_version(), "0.1.0");
}

/* A daemon goes to "/" after it has opened its session. */
static void the_folder_in_which_it_was_opened_counts(void **state)
{
    (void)state;
    mlplat *ml;
    mlplat_run *run;
    mlplat_error err = {0};
    char *folder = test_folder_make(), *other = test_folder_make(), before[4096];
    assert_non_null(getcwd(before, sizeof before));
    test_clear_environment();
    assert_int_equal(setenv("MLPLAT_SPOOL", "waiting", 1) | setenv("MLPLAT_ARTIFACT_ROOT", "files", 1), 0);
    assert_int_equal(chdir(folder), 0);
    assert_ok(mlplat_open(NULL, &ml, &err));
    assert_int_equal(chdir(other), 0);
    run = test_run_start(ml);
    assert_ok(mlplat_run_log_metric(run, "loss", 1, 1, &err));
    assert_int_equal(access(test_path(folder, "waiting"), F_OK), 0);
    assert_ok(mlplat_run_log_text(run, "text", "text.txt", &err));
#ifndef MLPLAT_MINIMAL /* which has no registry */
    assert_ok(mlplat_registered_model_create(ml, "model", NULL, NULL, &err));
#endif
    assert_int_equal(access(test_path(folder, "mlflow.db"), F_OK) | access(test_path(folder, "files"), F_OK), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(other), 0); /* it is empty */
    mlplat_run_free(run);
    mlplat_close(ml);
    test_clear_environment();
    test_folder_remove(folder);
    free(other);
}

static void uris_without_a_store_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        mlplat_status want;
        const char *words;
    } cases[] = {
        {"sqlite:///a.db", MLPLAT_OK, NULL},
        {"sqlite:////tmp/a b.db", MLPLAT_OK, NULL},
        {"SQLITE:///a.db", MLPLAT_OK, NULL},
#ifdef MLPLAT_MINIMAL
        {"http://localhost:5000", MLPLAT_UNSUPPORTED, "embedded store only"},
        {"https://ann:hunter2@host/", MLPLAT_UNSUPPORTED, "sqlite:///mlflow.db"},
#else
        {"http://localhost:5000", MLPLAT_OK, NULL}, /* nobody is asked before there is something to ask */
        {"https://localhost", MLPLAT_OK, NULL},
        {"postgres://ann:hunter2@db/mlflow", MLPLAT_UNSUPPORTED, "postgresql://"},
        {"mysql://ann:hunter2@db/mlflow", MLPLAT_UNSUPPORTED, "known here"},
#endif
        {"sqlite+pysqlite:///a.db", MLPLAT_UNSUPPORTED, "sqlite:///mlflow.db"},
        {"databricks", MLPLAT_UNSUPPORTED, "sqlite:///mlflow.db"},
        {"mlflow.db", MLPLAT_INVALID, "is a path: write sqlite:///mlflow.db"},
        {"./mlruns", MLPLAT_UNSUPPORTED, "folder"},
        {"file:///tmp/mlruns", MLPLAT_UNSUPPORTED, "folder"},
        {"sqlite://", MLPLAT_UNSUPPORTED, "in memory"},
        {"sqlite:///", MLPLAT_UNSUPPORTED, "in memory"},
        {"sqlite:///:memory:", MLPLAT_UNSUPPORTED, "in memory"},
        {"sqlite:mlflow.db", MLPLAT_INVALID, "sqlite:///relative"},
        {"sqlite://mlflow.db", MLPLAT_INVALID, "sqlite:///relative"},
        {"sqlite:///a.db?cache=shared", MLPLAT_INVALID, "query"},
        {"sqlite:///folder/", MLPLAT_INVALID, "slash"},
        {"sqlite:///a\nb.db", MLPLAT_INVALID, "control character"},
        {"sqlite:///\xff.db", MLPLAT_INVALID, "UTF-8"},
    };
    test_clear_environment();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int registry = 0; registry < 2; registry++) {
            mlplat *ml = NULL;
            mlplat_error err = {0};
            mlplat_options options = MLPLAT_OPTIONS_INIT;
            *(registry ? &options.registry_uri : &options.tracking_uri) = cases[i].uri;
            mlplat_status s = mlplat_open(&options, &ml, &err);
            if (s != cases[i].want || (cases[i].words && !strstr(err.message, cases[i].words)))
                fail_msg("'%s': %s: %s", cases[i].uri, mlplat_status_name(s), err.message);
            if (s != MLPLAT_OK) {
                assert_null(ml);
                assert_non_null(strstr(err.message, registry ? "registry URI" : "tracking URI"));
                assert_non_null(strstr(err.message, "(call)"));
                assert_null(strstr(err.message, "hunter2"));
            }
            mlplat_close(ml);
        }
}

static void an_artifact_root_is_a_local_folder(void **state)
{
    (void)state;
    static const struct {
        const char *root;
        mlplat_status want;
    } cases[] = {
        {"/data/artifacts", MLPLAT_OK},       {"artifacts", MLPLAT_OK},
        {"file:///data", MLPLAT_OK},          {"s3://bucket", MLPLAT_UNSUPPORTED},
        {"file://host/data", MLPLAT_INVALID}, {"s3:bucket", MLPLAT_INVALID},
    };
    test_clear_environment();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat *ml = NULL;
        mlplat_error err = {0};
        mlplat_options options = MLPLAT_OPTIONS_INIT;
        options.artifact_root = cases[i].root;
        assert_status(mlplat_open(&options, &ml, &err), cases[i].want);
        mlplat_close(ml);
    }
}

static void options_of_older_and_newer_programs_are_taken(void **state)
{
    (void)state;
    struct {
        mlplat_options options;
        const char *later;
    } newer = {MLPLAT_OPTIONS_INIT, "x"};
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options older = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    newer.options.size = sizeof newer;
    newer.options.tracking_uri = "sqlite:////new.db";
    assert_ok(mlplat_open(&newer.options, &ml, &err));
    assert_string_equal(mlp_session_setting(ml, MLP_SET_TRACKING_URI), "sqlite:////new.db");
    mlplat_close(ml);
    older.size = offsetof(mlplat_options, spool_dir);
    older.tracking_uri = "sqlite:////old.db";
    older.spool_dir = (const char *)1; /* behind its end: not looked at */
    assert_ok(mlplat_open(&older, &ml, &err));
    assert_string_equal(mlp_session_setting(ml, MLP_SET_TRACKING_URI), "sqlite:////old.db");
    assert_null(mlp_session_setting(ml, MLP_SET_SPOOL));
    mlplat_close(ml);
    older.size = 0;
    assert_status(mlplat_open(&older, &ml, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLPLAT_OPTIONS_INIT"));
}

/* A module that notes what is done to it. */
static struct {
    char events[200];
    int opens, fail_next;
    mlplat_status flush_status;
    int64_t flush_timeout;
    pthread_barrier_t barrier;
} seen;

static void note(const char *event)
{
    strncat(seen.events, event, sizeof seen.events - strlen(seen.events) - 1);
}

static mlplat_status low_open(mlplat *ml, void **object, mlplat_error *err)
{
    (void)ml;
    __atomic_add_fetch(&seen.opens, 1, __ATOMIC_SEQ_CST);
    if (seen.fail_next) {
        seen.fail_next = 0;
        return mlp_fail(err, MLPLAT_UNAVAILABLE, "not now");
    }
    *object = &seen;
    note("+low ");
    return MLPLAT_OK;
}

static void low_close(mlplat *ml, void *object)
{
    (void)ml;
    assert_ptr_equal(object, &seen);
    note("-low ");
}

static void low_abandon(void *object)
{
    (void)object;
    note("~low ");
}

static mlplat_status low_flush(void *object, int64_t timeout_ms, const mlp_hook *hook, mlplat_error *err)
{
    (void)object, (void)hook;
    note("=low ");
    seen.flush_timeout = timeout_ms;
    return seen.flush_status ? mlp_fail(err, seen.flush_status, "cannot") : MLPLAT_OK;
}

static const mlp_slot_ops low = {low_open, low_close, low_abandon, low_flush};

static mlplat_status high_open(mlplat *ml, void **object, mlplat_error *err)
{
    mlplat_status s = mlp_session_slot(ml, MLP_SLOT_TRACKING, &low, object, err);
    note("+high ");
    return s;
}

static void high_close(mlplat *ml, void *object)
{
    mlplat_error err = {0};
    void *again;
    note("-high ");
    assert_ok(mlp_session_slot(ml, MLP_SLOT_TRACKING, &low, &again, &err)); /* what it stands on is still there */
    assert_ptr_equal(again, object);
}

static const mlp_slot_ops high = {high_open, high_close, NULL, NULL};

static mlplat *fresh(void)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    memset(&seen, 0, sizeof seen);
    test_clear_environment();
    assert_ok(mlplat_open(NULL, &ml, &err));
    return ml;
}

static void modules_open_below_first_and_close_above_first(void **state)
{
    (void)state;
    mlplat *ml = fresh();
    mlplat_error err = {0};
    void *object;
    assert_ok(mlp_session_slot(ml, MLP_SLOT_PIPELINES, &high, &object, &err));
    assert_ok(mlp_session_slot(ml, MLP_SLOT_PIPELINES, &high, &object, &err));
    assert_ok(mlplat_flush(ml, 5000, &err));
    assert_true(seen.flush_timeout > 4000 && seen.flush_timeout <= 5000);
    seen.flush_status = MLPLAT_TIMEOUT;
    assert_status(mlplat_flush(ml, -1, &err), MLPLAT_TIMEOUT);
    assert_true(seen.flush_timeout < 0);
    mlplat_close(ml);
    assert_string_equal(seen.events, "+low +high =low =low -high -low ");
}

static void a_failed_opening_is_tried_again(void **state)
{
    (void)state;
    mlplat *ml = fresh();
    mlplat_error err = {0};
    void *object;
    seen.fail_next = 1;
    assert_status(mlp_session_slot(ml, MLP_SLOT_TRACKING, &low, &object, &err), MLPLAT_UNAVAILABLE);
    assert_null(object);
    assert_ok(mlp_session_slot(ml, MLP_SLOT_TRACKING, &low, &object, &err));
    assert_int_equal(seen.opens, 2);
    mlplat_close(ml);
    assert_string_equal(seen.events, "+low -low ");
}

static const mlp_slot_ops loop;

static mlplat_status loop_open(mlplat *ml, void **object, mlplat_error *err)
{
    return mlp_session_slot(ml, MLP_SLOT_REGISTRY, &loop, object, err);
}

static const mlp_slot_ops loop = {loop_open, low_close, NULL, NULL};

static void a_module_that_needs_itself_is_told_so(void **state)
{
    (void)state;
    mlplat *ml = fresh();
    mlplat_error err = {0};
    void *object;
    assert_status(mlp_session_slot(ml, MLP_SLOT_REGISTRY, &loop, &object, &err), MLPLAT_STATE);
    mlplat_close(ml);
}

static void *open_high(void *arg)
{
    mlplat_error err = {0};
    void *object = NULL;
    pthread_barrier_wait(&seen.barrier);
    mlp_session_slot(arg, MLP_SLOT_PIPELINES, &high, &object, &err);
    return object;
}

static void many_threads_open_a_module_once(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    for (int round = 0; round < 50; round++) {
        pthread_t threads[THREADS];
        mlplat *ml = fresh();
        pthread_barrier_init(&seen.barrier, NULL, THREADS);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_high, ml), 0);
        for (int i = 0; i < THREADS; i++) {
            void *object;
            pthread_join(threads[i], &object);
            assert_ptr_equal(object, &seen);
        }
        assert_int_equal(seen.opens, 1);
        pthread_barrier_destroy(&seen.barrier);
        mlplat_close(ml);
        assert_string_equal(seen.events, "+low +high -high -low ");
    }
}

/* In the child: every call answers STATE at once, close frees without closing. The lock is held by another thread
 * meanwhile. */
static int use_inherited(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc;
    void *object;
    int good = mlplat_flush(ml, -1, &err) == MLPLAT_STATE && strstr(err.message, "fork") != NULL;
    good += mlplat_config(ml, &doc, &err) == MLPLAT_STATE;
    good += mlp_session_slot(ml, MLP_SLOT_TRACKING, &low, &object, &err) == MLPLAT_STATE;
    mlplat_close(ml);
    good += strcmp(seen.events, "+low +high ~low ") == 0;
    mlplat *own = NULL;
    good += mlplat_open(NULL, &own, &err) == MLPLAT_OK;
    good += mlplat_flush(own, -1, &err) == MLPLAT_OK;
    mlplat_close(own);
    return good;
}

static void an_inherited_session_answers_state_and_never_hangs(void **state)
{
    (void)state;
    mlplat *ml = fresh();
    mlplat_error err = {0};
    void *object;
    int status = -1;
    assert_ok(mlp_session_slot(ml, MLP_SLOT_PIPELINES, &high, &object, &err));
    pthread_mutex_lock(&ml->lock);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        _exit(use_inherited(ml));
    }
    pthread_mutex_unlock(&ml->lock);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 6);
    assert_ok(mlplat_flush(ml, 0, &err)); /* the parent's is as it was */
    mlplat_close(ml);
    assert_string_equal(seen.events, "+low +high =low -high -low ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_opens_without_any_setting),
        cmocka_unit_test(the_folder_in_which_it_was_opened_counts),
        cmocka_unit_test(uris_without_a_store_are_refused),
        cmocka_unit_test(an_artifact_root_is_a_local_folder),
        cmocka_unit_test(options_of_older_and_newer_programs_are_taken),
        cmocka_unit_test(modules_open_below_first_and_close_above_first),
        cmocka_unit_test(a_failed_opening_is_tried_again),
        cmocka_unit_test(a_module_that_needs_itself_is_told_so),
        cmocka_unit_test(many_threads_open_a_module_once),
        cmocka_unit_test(an_inherited_session_answers_state_and_never_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
