/* Every allocation of ours on the way to an artifact proxy and back fails once. */
#include "artifacts/artifact_http_fixture.h"
#include "support/scarce_memory.h"

static int64_t count(void *user, const void *data, size_t n)
{
    (void)data;
    *(uint64_t *)user += n;
    return (int64_t)n;
}

static mlplat_status put_work(fixture *f, mlplat_error *err)
{
    return put(f, PLACE "twelve/g", err);
}

static mlplat_status read_work(fixture *f, mlplat_error *err)
{
    uint64_t n = 0;
    return mlplat_artifact_read(f->ml, PLACE "f", count, &n, err);
}

static mlplat_status list_work(fixture *f, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_artifact_list(f->ml, PLACE "x", &doc, err);
    mlplat_doc_free(doc);
    return s;
}

static mlplat_status get_work(fixture *f, mlplat_error *err)
{
    return get(f, "mlflow-artifacts:/folder", err);
}

static mlplat_status why_work(fixture *f, mlplat_error *err)
{
    return put(f, "mlflow-artifacts:/f/twelve/g", err);
}

static const char oh_again[] = FAILS("500 Internal Server Error", "2", "oh");
static const loopback_step put_steps[] = {{.reply = folder_f}, {.reply = nothing}};
static const loopback_step read_steps[] = {{.reply = FILE_OF("10", "0123456789")}};
static const loopback_step list_steps[] = {{.reply = file_of_ten}};
static const loopback_step get_steps[] = {{.reply = file_of_ten}, {.reply = FILE_OF("10", "0123456789")}};
static const loopback_step why_steps[] = {
    {.reply = nothing}, {.reply = oh_again}, {.reply = nothing}, {.reply = file_of_ten}};

static const struct {
    const char *what;
    mlplat_status (*run)(fixture *f, mlplat_error *err);
    const loopback_step *steps;
    size_t n;
    mlplat_status want;
} works[] = {
    {"put", put_work, put_steps, 2, MLPLAT_OK},   {"read", read_work, read_steps, 1, MLPLAT_OK},
    {"list", list_work, list_steps, 1, MLPLAT_OK}, {"get", get_work, get_steps, 2, MLPLAT_OK},
    {"why", why_work, why_steps, 4, MLPLAT_INVALID},
};

/* Each with a session of its own, so that opening the client is part of it. */
static mlplat_status run_scarce(fixture *f, size_t w, long nth, bool *reached, mlplat_error *err)
{
    char uri[64];
    loopback_script(f->server, works[w].steps, works[w].n);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(f->server));
    f->ml = open_session(f, uri, NULL);
    scarce_memory_arm(nth);
    mlplat_status s = works[w].run(f, err);
    *reached = scarce_memory_disarm();
    mlplat_close(f->ml);
    mlp_file_remove_tree(test_path(f->folder, "to"), NULL);
    return s;
}

static void a_failed_allocation_is_told_and_costs_nothing(void **state)
{
    fixture *f = *state;
    NEEDS_HTTP(f);
    mlplat_close(f->ml);
    scarce_memory_on();
    for (size_t w = 0; w < sizeof works / sizeof works[0]; w++) {
        long failed = 0;
        bool reached = true;
        for (long nth = 0; reached; nth++) {
            mlplat_error err = {0};
            mlplat_status s = run_scarce(f, w, nth, &reached, &err);
            if (s != works[w].want && (s != MLPLAT_NO_MEMORY || !reached))
                fail_msg("%s, allocation %ld: %s: %s", works[w].what, nth, mlplat_status_name(s), err.message);
            failed += s == MLPLAT_NO_MEMORY;
        }
        assert_true(failed > 5);
    }
    scarce_memory_off();
    set_up(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_allocation_is_told_and_costs_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
