/* Plots: every spike is there, gaps are gaps, text does no harm, and it fits. */
#include "support/support.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---- reading a picture ------------------------------------------------------------------------------------------ */

typedef struct vertex {
    double x, y;
    bool moved; /* the pen was lifted before it */
} vertex;

/* The vertices of the first line in the picture. Yours: free. */
static vertex *line_of(const char *svg, size_t *n)
{
    const char *at = strstr(svg, "<path stroke=\"#");
    assert_non_null(at);
    at = strstr(at, " d=\"") + 4;
    vertex *out = calloc(strlen(at), sizeof *out);
    bool relative = false;
    for (*n = 0; *at && *at != '"';) {
        char *end;
        bool move = *at == 'M';
        if (*at == 'h') { /* h0: a dot */
            at += 2;
            continue;
        }
        relative = *at == 'l' ? true : move ? false : relative;
        at += move || *at == 'l';
        double x = strtod(at, &end), y = strtod(end, &end);
        assert_true(end > at);
        out[*n].x = relative ? out[*n - 1].x + x : x;
        out[*n].y = relative ? out[*n - 1].y + y : y;
        out[*n].moved = move;
        ++*n;
        at = end;
    }
    return out;
}

static char *draw(const mlplat_plot_series *series, size_t n, const mlplat_plot_options *options)
{
    mlplat_error err = {0};
    char *svg = NULL;
    assert_ok(mlplat_plot(series, n, options, &svg, &err));
    assert_true(strlen(svg) <= MLPLAT_SVG_LIMIT);
    assert_ptr_equal(strstr(svg, "<svg "), svg);
    assert_string_equal(svg + strlen(svg) - 6, "</svg>");
    for (const char *p = svg; *p; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
    return svg;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static uint32_t seed = 1;

static double noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (1 << 24) - 0.5;
}

enum { MANY = 300000, LEFT_MOST = 760 };

/* In each column of pixels the picture reaches as far up and down as the points do, to a tenth of a pixel. */
static void check_columns(const double *values, size_t n, const vertex *v, size_t vertices)
{
    static double low[LEFT_MOST], high[LEFT_MOST], drawn_low[LEFT_MOST], drawn_high[LEFT_MOST];
    double left = v[0].x, right = v[vertices - 1].x, least = values[0], most = values[0];
    double top = v[0].y, bottom = top;
    size_t columns = (size_t)(right - left + 0.5);
    for (size_t i = 0; i < LEFT_MOST; i++) {
        low[i] = drawn_low[i] = INFINITY;
        high[i] = drawn_high[i] = -INFINITY;
    }
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    for (size_t i = 0; i < vertices; i++) {
        top = fmin(top, v[i].y);
        bottom = fmax(bottom, v[i].y);
    }
    for (size_t i = 0; i < n; i++) {
        size_t c = (size_t)((double)i / (double)(n - 1) * (double)columns);
        double y = bottom + (values[i] - least) / (most - least) * (top - bottom);
        low[c] = fmin(low[c], y);
        high[c] = fmax(high[c], y);
    }
    for (size_t i = 0; i < vertices; i++)
        for (double off = -0.06; off <= 0.06; off += 0.12) { /* a tenth is rounded: it may be next door's edge */
            double at = v[i].x - left + off;
            size_t c = at < 0 ? 0 : (size_t)at;
            drawn_low[c] = fmin(drawn_low[c], v[i].y);
            drawn_high[c] = fmax(drawn_high[c], v[i].y);
        }
    for (size_t c = 0; c < columns; c++) {
        assert_true(drawn_low[c] <= low[c] + 0.11);
        assert_true(drawn_high[c] >= high[c] - 0.11);
    }
}

static void no_spike_is_lost(void **state)
{
    (void)state;
    double *y = calloc(MANY, sizeof *y);
    for (size_t i = 0; i < MANY; i++)
        y[i] = exp(-(double)i / 50000) + 0.1 * noise();
    for (int i = 0; i < 200; i++) /* each alone among the others of its column */
        y[(size_t)((noise() + 0.5) * (MANY - 1))] += 3 * noise();
    size_t n;
    char *svg = draw(&(mlplat_plot_series){"loss", NULL, y, MANY}, 1, NULL);
    vertex *v = line_of(svg, &n);
    assert_true(n > 1000 && n < 4 * LEFT_MOST);
    check_columns(y, MANY, v, n);
    free(v);
    mlplat_free(svg);
    free(y);
}

static void few_points_are_all_drawn(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 10, 50, 51, 100}, y[] = {1, 5, 2, 8, 3, 3, 9};
    size_t n;
    char *svg = draw(&(mlplat_plot_series){NULL, x, y, 7}, 1, NULL);
    vertex *v = line_of(svg, &n);
    assert_int_equal(n, 7);
    double per_x = (v[6].x - v[0].x) / 100;
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs(v[i].x - (v[0].x + x[i] * per_x)) < 0.11);
        assert_true(i == 0 || (y[i] > y[i - 1]) == (v[i].y < v[i - 1].y));
        assert_int_equal(v[i].moved, i == 0);
    }
    free(v);
    mlplat_free(svg);
}

static void points_are_joined_in_the_order_of_x(void **state)
{
    (void)state;
    const double x[] = {3, 1, 2, NAN, 0, 2}, y[] = {30, 10, 20, 99, 0, 21};
    const double sorted_x[] = {0, 1, 2, 2, 3}, sorted_y[] = {0, 10, 20, 21, 30};
    char *one = draw(&(mlplat_plot_series){"a", x, y, 6}, 1, NULL);
    char *two = draw(&(mlplat_plot_series){"a", sorted_x, sorted_y, 5}, 1, NULL);
    size_t n, m;
    vertex *v = line_of(one, &n), *w = line_of(two, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(v[i].x - w[i].x) < 0.2);
    free(v);
    free(w);
    mlplat_free(one);
    mlplat_free(two);
}

static void nan_is_a_gap_and_infinity_a_mark(void **state)
{
    (void)state;
    const double y[] = {1, 2, NAN, 3, 4, INFINITY, 2, -INFINITY, NAN, 5};
    size_t n, lifted = 0;
    char *svg = draw(&(mlplat_plot_series){"a", NULL, y, 10}, 1, NULL);
    vertex *v = line_of(svg, &n);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++)
        lifted += v[i].moved;
    assert_int_equal(lifted, 4); /* 1 2 | 3 4 | 2 | 5 */
    assert_int_equal(count(svg, "l-4 7h8z"), 1);
    assert_int_equal(count(svg, "l-4-7h8z"), 1);
    assert_non_null(strstr(svg, "2 NaN, 2 infinite"));
    free(v);
    mlplat_free(svg);
}

static void a_logarithmic_axis_leaves_out_what_it_cannot_show(void **state)
{
    (void)state;
    const double y[] = {1, 10, 0, 100, -5, 1000};
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.log_y = 1;
    size_t n;
    char *svg = draw(&(mlplat_plot_series){"a", NULL, y, 6}, 1, &o);
    vertex *v = line_of(svg, &n);
    assert_int_equal(n, 4);
    double first = v[0].y - v[1].y, last = v[2].y - v[3].y; /* a power of ten each */
    assert_true(first > 10 && fabs(first - last) < 0.3);
    assert_non_null(strstr(svg, "2 not above 0"));
    assert_non_null(strstr(svg, ">100<"));
    free(v);
    mlplat_free(svg);
}

static void smoothing_is_a_mean_without_a_false_start(void **state)
{
    (void)state;
    const double y[] = {10, 10, 10, 20, 20, 20, 20, 20, 20, 20};
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.smoothing = 0.5;
    char *svg = draw(&(mlplat_plot_series){"a", NULL, y, 10}, 1, &o);
    assert_non_null(strstr(svg, "stroke-opacity=\".3\""));
    size_t n;
    const char *second = strstr(strstr(svg, "<path stroke=\"#") + 1, "<path stroke=\"#");
    vertex *v = line_of(second, &n);
    assert_int_equal(n, 10);
    assert_true(fabs(v[0].y - v[2].y) < 0.05); /* a constant stays one from its first point on */
    assert_true(v[2].y > v[3].y && v[3].y > v[4].y && v[8].y >= v[9].y);
    free(v);
    mlplat_free(svg);
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static const struct {
    double x0, x1;
    mlplat_plot_x axis;
    const char *labels[3];
} axes[] = {
    {0, 1e6, MLPLAT_PLOT_STEP, {">200k<", ">1000k<", ">step<"}},
    {0, 199, MLPLAT_PLOT_STEP, {">0<", ">50<", ">150<"}},
    {-1, 1, MLPLAT_PLOT_STEP, {">-1.0<", ">0.0<", ">1.0<"}},
    {0, 0.002, MLPLAT_PLOT_STEP, {">0.0005<", ">0.0010<", ">0.0015<"}},
    {5, 5, MLPLAT_PLOT_STEP, {">4<", ">6<", ">step<"}},
    {1e300, 2e300, MLPLAT_PLOT_STEP, {">1e+300<", ">2e+300<", ">step<"}},
    {5000, 65000, MLPLAT_PLOT_ELAPSED, {">10s<", ">1m 0s<", ">time since start<"}},
    {0, 86400e3 * 3, MLPLAT_PLOT_ELAPSED, {">12h<", ">1d<", ">2d 12h<"}},
    {1795824000e3, 1795831200e3, MLPLAT_PLOT_CLOCK, {">Nov 28<", ">00:30<", ">time (UTC)<"}},
    {1795824000e3, 1811000000e3, MLPLAT_PLOT_CLOCK, {">Dec 03<", ">Jan 02<", ">time (UTC)<"}},
};

static void ticks_stand_at_round_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) {
        const double x[] = {axes[i].x0, axes[i].x1}, y[] = {0, 1};
        mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
        o.x = axes[i].axis;
        char *svg = draw(&(mlplat_plot_series){NULL, x, y, 2}, 1, &o);
        for (int k = 0; k < 3; k++)
            if (!strstr(svg, axes[i].labels[k]))
                fail_msg("axis %zu has no %s: %s", i, axes[i].labels[k], svg);
        mlplat_free(svg);
    }
}

static const double extremes[] = {
    0, 1, -1, 1e-320, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1e17, NAN, INFINITY, -INFINITY, 9.2e18};

static void any_numbers_make_a_picture(void **state)
{
    (void)state;
    const size_t n = sizeof extremes / sizeof extremes[0];
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            for (int axis = 0; axis < 6; axis++) {
                const double x[] = {extremes[a], extremes[b], 3}, y[] = {extremes[b], 0.5, extremes[a]};
                mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
                o.x = (mlplat_plot_x)(axis % 3);
                o.log_y = axis > 2;
                o.smoothing = axis % 2 ? 0.9 : 0;
                char *svg = draw(&(mlplat_plot_series){"a", x, y, 3}, 1, &o);
                assert_null(strstr(svg, "nan"));
                if (strstr(svg, "922337203685"))
                    fail_msg("%s", svg);
                mlplat_free(svg);
            }
}

/* ---- legend, text, size ------------------------------------------------------------------------------------------ */

static void hostile_text_does_no_harm(void **state)
{
    (void)state;
    const double y[] = {1, 2};
    const char *evil = "<script>alert(\"1\")</script>&'\x01\x7f \xe2\x80\xae"
                       "abc\xff\xc0\x80\xed\xa0\x80";
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.title = o.x_label = o.y_label = evil;
    char *svg = draw(&(mlplat_plot_series){evil, NULL, y, 2}, 1, &o);
    assert_null(strstr(svg, "<script"));
    assert_null(strstr(svg, "alert(\"1"));
    assert_int_equal(count(svg, "&lt;script&gt;"), 4);
    assert_int_equal(count(svg, "[U+202E]"), 4);
    mlplat_free(svg);
}

static void a_thousand_lines_of_many_points_still_fit(void **state)
{
    (void)state;
    static double y[2000];
    static mlplat_plot_series series[1001];
    char label[300];
    memset(label, 'w', sizeof label - 1);
    label[sizeof label - 1] = 0;
    for (int i = 0; i < 2000; i++)
        y[i] = noise() * 1000;
    for (int i = 0; i < 1001; i++)
        series[i] = (mlplat_plot_series){label, NULL, y, 2000};
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    o.smoothing = 0.9;
    char *svg = draw(series, 1000, &o);
    assert_int_equal(count(svg, "<path stroke=\"hsl("), 2000);
    assert_non_null(strstr(svg, "and 970 more"));
    mlplat_free(svg);
    mlplat_error err = {0};
    assert_status(mlplat_plot(series, 1001, NULL, &svg, &err), MLPLAT_INVALID);
    assert_null(svg);
}

static void nothing_to_show_is_said(void **state)
{
    (void)state;
    const double y[] = {NAN, INFINITY};
    char *none = draw(NULL, 0, NULL), *empty = draw(&(mlplat_plot_series){"a", NULL, NULL, 0}, 1, NULL);
    char *gaps = draw(&(mlplat_plot_series){"a", NULL, y, 2}, 1, NULL);
    assert_non_null(strstr(none, "no points to show"));
    assert_non_null(strstr(empty, "no points to show"));
    assert_non_null(strstr(gaps, "no points to show"));
    mlplat_free(none);
    mlplat_free(empty);
    mlplat_free(gaps);
}

static int stop(void *user, uint64_t done, uint64_t total)
{
    ++*(int *)user;
    return done > total;
}

static int stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    return 1;
}

static void options_are_checked(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *svg = NULL;
    const double y[] = {1, 2};
    const mlplat_plot_series line = {"a", NULL, y, 2};
    static const mlplat_plot_options wrong[] = {{.size = sizeof wrong[0], .width = 159},
                                                {.size = sizeof wrong[0], .height = 4001},
                                                {.size = sizeof wrong[0], .width = -1},
                                                {.size = sizeof wrong[0], .smoothing = 1},
                                                {.size = sizeof wrong[0], .smoothing = NAN},
                                                {.size = sizeof wrong[0], .x = (mlplat_plot_x)3},
                                                {.size = 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(mlplat_plot(&line, 1, &wrong[i], &svg, &err), MLPLAT_INVALID);
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    int calls = 0;
    o.progress = stop;
    o.user = &calls;
    mlplat_free(draw(&line, 1, &o));
    assert_true(calls > 0);
    o.progress = stop_at_once;
    assert_status(mlplat_plot(&line, 1, &o, &svg, &err), MLPLAT_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_spike_is_lost),
        cmocka_unit_test(few_points_are_all_drawn),
        cmocka_unit_test(points_are_joined_in_the_order_of_x),
        cmocka_unit_test(nan_is_a_gap_and_infinity_a_mark),
        cmocka_unit_test(a_logarithmic_axis_leaves_out_what_it_cannot_show),
        cmocka_unit_test(smoothing_is_a_mean_without_a_false_start),
        cmocka_unit_test(ticks_stand_at_round_values),
        cmocka_unit_test(any_numbers_make_a_picture),
        cmocka_unit_test(hostile_text_does_no_harm),
        cmocka_unit_test(a_thousand_lines_of_many_points_still_fit),
        cmocka_unit_test(nothing_to_show_is_said),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
