/* A wait for other writers ends in its time, whatever the clock of the wall shows. */
#include "base/os.h"
#include "db/wait.h"
#include "support/support.h"

#define YEAR_MS ((int64_t)3600000 * 24 * 365)

static int64_t jump_ms;

static int64_t jumping_now(void)
{
    return mlp_os_default()->now_ms() + jump_ms;
}

static void a_wait_for_other_writers_ends_in_time(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_os table = *mlp_os_default();
    table.now_ms = jumping_now;
    mlp_os_replace(&table);
    mlp_wait wait = mlp_wait_begin(NULL, "the file", 50);
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK; i++) {
        jump_ms = i % 2 ? -YEAR_MS : 20 * YEAR_MS;
        s = mlp_wait_nap(&wait, &err);
    }
    mlp_os_replace(NULL);
    assert_int_equal(s, MLPLAT_TIMEOUT);
    assert_true(mlp_wait_ms(&wait) >= 50 && mlp_wait_ms(&wait) < 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_wait_for_other_writers_ends_in_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
