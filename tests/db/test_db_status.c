/* What SQLite's codes are told as, which of them may pass by themselves, and what helps. */
#include "support/support.h"
#include "db/db_inside.h"

static const struct {
    int code;
    mlplat_status want;
    const char *helps; /* NULL: nothing is said */
} cases[] = {
    {SQLITE_CONSTRAINT_UNIQUE, MLPLAT_EXISTS, NULL},
    {SQLITE_CONSTRAINT_PRIMARYKEY, MLPLAT_EXISTS, NULL},
    {SQLITE_CONSTRAINT_ROWID, MLPLAT_EXISTS, NULL},
    {SQLITE_CONSTRAINT_FOREIGNKEY, MLPLAT_CONFLICT, NULL},
    {SQLITE_BUSY, MLPLAT_UNAVAILABLE, "try again"},
    {SQLITE_BUSY_SNAPSHOT, MLPLAT_UNAVAILABLE, "try again"},
    {SQLITE_LOCKED, MLPLAT_UNAVAILABLE, "try again"},
    {SQLITE_PROTOCOL, MLPLAT_UNAVAILABLE, "try again"},
    {SQLITE_FULL, MLPLAT_NO_SPACE, "free some space"},
    {SQLITE_READONLY, MLPLAT_DENIED, "writable for this user"},
    {SQLITE_READONLY_DBMOVED, MLPLAT_NOT_FOUND, "moved or deleted meanwhile"},
    {SQLITE_PERM, MLPLAT_DENIED, "writable for this user"},
    {SQLITE_AUTH, MLPLAT_DENIED, "writable for this user"},
    {SQLITE_NOTADB, MLPLAT_CORRUPT, "name another file"},
    {SQLITE_CORRUPT, MLPLAT_CORRUPT, "from a backup"},
    {SQLITE_IOERR_SHORT_READ, MLPLAT_CORRUPT, "from a backup"},
    {SQLITE_ERROR, MLPLAT_CORRUPT, "not as expected"},
    {SQLITE_NOMEM, MLPLAT_NO_MEMORY, NULL},
    {SQLITE_IOERR_NOMEM, MLPLAT_NO_MEMORY, NULL},
    {SQLITE_TOOBIG, MLPLAT_INVALID, "64 MiB"},
    {SQLITE_RANGE, MLPLAT_INVALID, NULL},
    {SQLITE_MISMATCH, MLPLAT_INVALID, NULL},
    {SQLITE_INTERRUPT, MLPLAT_CANCELLED, NULL},
    {SQLITE_IOERR_READ, MLPLAT_IO, NULL},
    {SQLITE_IOERR_CORRUPTFS, MLPLAT_IO, "its disk"},
    {SQLITE_MISUSE, MLPLAT_IO, NULL},
};

static void each_code_is_told_by_what_the_caller_can_do(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = NULL;
    const mlp_db_options options = {.create = true};
    char *folder = test_folder_make();
    assert_ok(mlp_db_open(test_path(folder, "store.db"), &options, &db, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        err = (mlplat_error){0};
        mlplat_status s = mlp_db_fail(db, cases[i].code, &err);
        if (s != cases[i].want || err.status != s || err.retryable != (s == MLPLAT_UNAVAILABLE))
            fail_msg("code %d: %s, retryable %d", cases[i].code, mlplat_status_name(s), err.retryable);
        if (s != MLPLAT_NO_MEMORY)
            assert_non_null(strstr(err.message, "store.db"));
        if (cases[i].helps && !strstr(err.message, cases[i].helps))
            fail_msg("code %d: no '%s' in: %s", cases[i].code, cases[i].helps, err.message);
    }
    mlp_db_close(db);
    test_folder_remove(folder);
}

static void a_path_that_sqlite_cannot_open_is_told_before_it_tries(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_db *db = NULL;
    const mlp_db_options options = {.create = true};
    char *folder = test_folder_make(), path[3000];
    assert_status(mlp_db_open(folder, &options, &db, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "a folder"));
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    assert_status(mlp_db_open(path, &options, &db, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "take a shorter one"));
    assert_status(mlp_db_open("/dev/null", &options, &db, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "not a plain file"));
    assert_null(db);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_is_told_by_what_the_caller_can_do),
        cmocka_unit_test(a_path_that_sqlite_cannot_open_is_told_before_it_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
