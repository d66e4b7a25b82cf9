/* When it is tried again. */
#include "support/fault_os.h"
#include "support/support.h"
#include "transport/retry.h"

static void dates_and_seconds_of_retry_after_are_read(void **state)
{
    static const int64_t day = 86400000, now = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t want;
    } cases[] = {
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {"86399", 86399000},
        {"86400", day},
        {"99999999999999999999999", day},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:39 GMT", 2000},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60000},
        {"Sun Nov  6 09:49:37 1994", 3600000},
        {"Sun Nov 06 09:49:37 1994", 3600000},
        {"Sat, 05 Nov 1994 08:49:37 GMT", 0},
        {"Thu, 29 Feb 2096 00:00:00 GMT", day},
        {"Sun, 06 Nov 0000 08:49:37 GMT", 0},
        {"Monday, 07-Nov-94 08:49:36 GMT", day - 1000},
        {"Sunday, 06-Nov-69 08:49:37 GMT", day},
        {"", -1},
        {"-1", -1},
        {"1.5", -1},
        {" 1", -1},
        {"1s", -1},
        {"soon", -1},
        {"0x10", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 Nov 1994 25:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 32 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Foo 1994 08:49:37 GMT", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun,06 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMTx", -1},
        {"Sun, ", -1},
        {"Sun,", -1},
        {"Sun ", -1},
        {"Sun Nov  6 09:49:37 1994x", -1},
        {"Sun Nov  6", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = mlp_retry_after(cases[i].value, now);
        if (got != cases[i].want)
            fail_msg("'%s': %lld, not %lld", cases[i].value, (long long)got, (long long)cases[i].want);
    }
}

static void waits_are_spread_below_a_growing_limit(void **state)
{
    int64_t most[8] = {0}, least[8];
    (void)state;
    for (int i = 0; i < 8; i++)
        least[i] = INT64_MAX;
    for (int round = 0; round < 400; round++) {
        mlp_retry retry = {.first_ms = 100, .most_ms = 1000, .budget_ms = 1000000, .tries = 8};
        mlp_retry_begin(&retry);
        for (int i = 0; i < 8; i++) {
            int64_t wait = mlp_retry_next(&retry, -1), limit = 100 << i;
            assert_in_range(wait, 0, limit < 1000 ? limit : 1000);
            most[i] = wait > most[i] ? wait : most[i];
            least[i] = wait < least[i] ? wait : least[i];
        }
        assert_int_equal(mlp_retry_next(&retry, -1), -1);
    }
    for (int i = 0; i < 8; i++) { /* all of the room is used: 400 rolls miss a tenth of it once in 10^18 */
        int64_t limit = (100 << i) < 1000 ? 100 << i : 1000;
        assert_true(least[i] <= limit / 10 && most[i] >= limit - limit / 10);
    }
}

static void the_server_is_not_asked_before_it_wants(void **state)
{
    mlp_retry retry = {.first_ms = 10, .most_ms = 10, .budget_ms = 5000, .tries = -1};
    (void)state;
    mlp_retry_begin(&retry);
    for (int i = 0; i < 100; i++)
        assert_in_range(mlp_retry_next(&retry, 2000), 2000, 2010);
    assert_int_equal(mlp_retry_next(&retry, 6000), -1); /* over the budget */
}

static void without_random_numbers_it_is_tried_still(void **state)
{
    mlp_retry retry = {.first_ms = 10, .most_ms = 10, .budget_ms = 5000, .tries = 1};
    (void)state;
    mlp_retry_begin(&retry);
    fault_os_begin(1, 5, false);
    int64_t wait = mlp_retry_next(&retry, -1);
    fault_os_end();
    assert_in_range(wait, 0, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_seconds_of_retry_after_are_read),
        cmocka_unit_test(waits_are_spread_below_a_growing_limit),
        cmocka_unit_test(the_server_is_not_asked_before_it_wants),
        cmocka_unit_test(without_random_numbers_it_is_tried_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
