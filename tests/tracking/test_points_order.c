/* Points that a store did not bring in MLflow's order (timestamp, step, value; NaN as 0) are brought into it. */
#include "tracking/points.h"
#include "support/support.h"
#include <math.h>

enum { POINTS = 7 };
#define LATE 1700000000000

static mlp_metric_points points_of(const double *values, const int64_t *steps, const int64_t *times)
{
    mlp_metric_points p = {0};
    size_t room = 0;
    for (size_t i = 0; i < POINTS; i++)
        assert_true(mlp_points_add(&p, &room, MLP_POINTS_ALL, values[i], steps[i], times[i]));
    return p;
}

static void points_come_by_time_step_and_value(void **state)
{
    (void)state;
    static const double values[POINTS] = {5, 4, 1, -1, NAN, 3, 2};
    static const int64_t steps[POINTS] = {0, 2, 1, 1, 1, -1, 9};
    static const int64_t times[POINTS] = {LATE + 1, LATE, LATE, LATE, LATE, LATE, 1};
    static const double want[POINTS] = {2, 3, -1, NAN, 1, 4, 5};
    mlplat_error err = {0};
    mlp_metric_points p = points_of(values, steps, times);
    assert_ok(mlp_points_sort(&p, &err));
    for (size_t i = 0; i < POINTS; i++) {
        assert_true(isnan(want[i]) ? isnan(p.values[i]) : p.values[i] == want[i]);
        assert_true(i == 0 || p.times[i - 1] <= p.times[i]);
    }
    assert_int_equal(p.steps[0], 9); /* each point keeps its own */
    assert_int_equal(p.steps[1], -1);
    assert_int_equal(p.steps[6], 0);
    mlp_points_free(&p);
}

/* Without times or steps there is no order to bring them into. */
static void what_was_not_asked_for_is_not_ordered_by(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_metric_points p = {0};
    size_t room = 0;
    assert_true(mlp_points_add(&p, &room, MLP_POINTS_STEPS, 2, 2, 0));
    assert_true(mlp_points_add(&p, &room, MLP_POINTS_STEPS, 1, 1, 0));
    assert_ok(mlp_points_sort(&p, &err));
    assert_true(p.values[0] == 2 && p.steps[0] == 2 && p.values[1] == 1 && !p.times);
    mlp_points_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_come_by_time_step_and_value),
        cmocka_unit_test(what_was_not_asked_for_is_not_ordered_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
