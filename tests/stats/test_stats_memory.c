/* Where memory ends, each of them says so, leaks nothing, and works when there is some again. */
#include "stats/exact.h"
#include "stats/kll.h"
#include "stats/kolmogorov.h"
#include "stats/ks_stream.h"
#include "stats/multiple.h"
#include "stats/near.h"
#include "stats/sort.h"
#include "support/scarce_memory.h"
#include <stdlib.h>

enum { N = 5000 };

static double values[N], others[N];

static mlplat_status sort_them(mlplat_error *err)
{
    return mlp_sort_doubles(values, N, err);
}

static mlplat_status adjust(mlplat_error *err)
{
    double p[] = {0.1, 0.2}, out[2];
    return mlp_multiple_adjust(MLP_MULTIPLE_BH, p, 2, out, err);
}

static mlplat_status one_sample(mlplat_error *err)
{
    double p;
    return mlp_kolmogorov_n_sf(100, 0.1, &p, err);
}

static mlplat_status two_samples(mlplat_error *err)
{
    double p;
    return mlp_kolmogorov_two_sf(30, 40, 20, &p, err);
}

static mlplat_status whitney(mlplat_error *err)
{
    double p;
    return mlp_exact_mann_whitney(10, 12, 30, &p, err);
}

static mlplat_status spans(mlplat_error *err)
{
    mlp_ks_result r;
    return mlp_ks_stream_spans(values, N, others, N, &r, err);
}

/* One bin takes all, so that values are picked. */
static mlplat_status picked(mlplat_error *err)
{
    mlp_ks_stream *ks = NULL;
    mlp_ks_result r;
    mlplat_status status = mlp_ks_stream_open(values, 1, &ks, err);
    if (status != MLPLAT_OK)
        return status;
    mlp_ks_stream_count(ks, 0, values, N);
    mlp_ks_stream_count(ks, 1, others, N);
    status = mlp_ks_stream_narrow(ks, err);
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_pick(ks, 0, values, N, err);
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_pick(ks, 1, others, N, err);
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_result(ks, &r, err);
    mlp_ks_stream_free(ks);
    return status;
}

static mlplat_status read_back(const mlp_kll *kll, mlplat_error *err)
{
    mlp_buf bytes = {0};
    mlp_kll back = {0};
    mlp_kll_view view = {0};
    mlplat_status status = mlp_kll_write(kll, &bytes, err);
    if (status == MLPLAT_OK)
        status = mlp_kll_read(bytes.data, bytes.size, false, &back, err);
    if (status == MLPLAT_OK)
        status = mlp_kll_look(&back, &view, err);
    mlp_kll_view_free(&view);
    mlp_kll_free(&back);
    mlp_buf_free(&bytes);
    return status;
}

static mlplat_status sketch(mlplat_error *err)
{
    mlp_kll a, b;
    mlp_kll_init(&a, 8, false, 1); /* small enough that its lowest levels are a sampler */
    mlp_kll_init(&b, 16, false, 2);
    mlplat_status status = mlp_kll_add(&a, values, N, err);
    if (status == MLPLAT_OK)
        status = mlp_kll_add(&b, others, N, err);
    if (status == MLPLAT_OK)
        status = mlp_kll_merge(&a, &b, err);
    if (status == MLPLAT_OK)
        status = read_back(&a, err);
    mlp_kll_free(&a);
    mlp_kll_free(&b);
    return status;
}

/* Returns how many allocations it took. */
static long sweep(mlplat_status (*work)(mlplat_error *err))
{
    mlplat_error err = {0};
    for (long n = 0;; n++) {
        scarce_memory_begin(n);
        mlplat_status status = work(&err);
        if (!scarce_memory_end()) {
            assert_int_equal(status, MLPLAT_OK);
            return n;
        }
        assert_int_equal(status, MLPLAT_NO_MEMORY);
    }
}

static void it_is_told_by_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        values[i] = 1.5 + (double)(i * 7919 % N) * 1e-9;
        others[i] = 1.5 + (double)(i * 7907 % N) * 1.1e-9;
    }
    assert_int_equal(sweep(sort_them), 1);
    assert_int_equal(sweep(adjust), 1);
    assert_int_equal(sweep(one_sample), 1);
    assert_int_equal(sweep(two_samples), 1);
    assert_int_equal(sweep(whitney), 2);
    assert_true(sweep(spans) > 5);
    assert_true(sweep(picked) > 10);
    assert_true(sweep(sketch) > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_by_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
