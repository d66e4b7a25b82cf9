/* The KLL sketch: ranks within its error, the same bytes however values come, DataSketches' files, and hostile ones. */
#include "stats/kll.h"
#include "base/file.h"
#include "stats/near.h"
#include "stats/sort.h"
#include <dirent.h>
#include <stdlib.h>

static uint64_t chance;

static double uniform(void)
{
    return (double)(test_roll(&chance, UINT64_MAX) >> 11) * 0x1p-53;
}

static double *draw(size_t n, int kind)
{
    double *values = malloc((n + 1) * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = kind == 0   ? uniform()
                    : kind == 1 ? (double)i
                    : kind == 2 ? 1 / (1 - uniform())
                                : floor(uniform() * 9);
    return values;
}

static void add(mlp_kll *kll, const double *values, size_t n)
{
    mlplat_error err = {0};
    assert_ok(mlp_kll_add(kll, values, n, &err));
}

/* Sorts the values. */
static double largest_error(const mlp_kll *kll, double *values, size_t n)
{
    mlplat_error err = {0};
    mlp_kll_view view;
    double most = 0;
    size_t at = 0;
    assert_ok(mlp_sort_doubles(values, n, &err));
    assert_ok(mlp_kll_look(kll, &view, &err));
    assert_near(view.ranks[view.n - 1], 1, 0);
    for (size_t i = 0; i < view.n; i++) {
        if (i + 1 < view.n && view.values[i + 1] == view.values[i])
            continue; /* the last of equal ones has their rank */
        while (at < n && values[at] <= view.values[i])
            at++;
        most = fmax(most, fabs((double)at / (double)n - view.ranks[i]));
        assert_near(mlp_kll_view_rank(&view, view.values[i]), view.ranks[i], 0);
    }
    mlp_kll_view_free(&view);
    return most;
}

static void ranks_are_within_its_error(void **state)
{
    static const size_t sizes[] = {1, 2, 199, 1000, 20000, 300000};
    (void)state;
    chance = 3;
    for (int kind = 0; kind < 4; kind++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            mlp_kll kll;
            double *values = draw(sizes[s], kind);
            mlp_kll_init(&kll, 0, false, 42);
            add(&kll, values, sizes[s]);
            assert_int_equal(kll.n, sizes[s]);
            assert_true(largest_error(&kll, values, sizes[s]) <= mlp_kll_error(&kll) * 1.3); /* of all ranks at once */
            assert_near(kll.min, values[0], 0);
            assert_near(kll.max, values[sizes[s] - 1], 0);
            mlp_kll_free(&kll);
            free(values);
        }
}

static void a_larger_k_is_more_exact(void **state)
{
    mlp_kll small, large;
    double *values = draw(100000, 0);
    (void)state;
    mlp_kll_init(&small, 50, false, 1);
    mlp_kll_init(&large, 2000, false, 1);
    add(&small, values, 100000);
    add(&large, values, 100000);
    assert_true(largest_error(&large, values, 100000) < 0.003);
    assert_true(mlp_kll_error(&small) > 0.06 && mlp_kll_error(&large) < 0.0025);
    mlp_kll_free(&small);
    mlp_kll_free(&large);
    free(values);
}

static mlp_buf bytes_of(const mlp_kll *kll)
{
    mlplat_error err = {0};
    mlp_buf bytes = {0};
    assert_ok(mlp_kll_write(kll, &bytes, &err));
    return bytes;
}

static void same_bytes(const mlp_kll *a, const mlp_kll *b)
{
    mlp_buf one = bytes_of(a), other = bytes_of(b);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    mlp_buf_free(&one);
    mlp_buf_free(&other);
}

static void pieces_make_no_difference(void **state)
{
    enum { N = 150000 };
    mlp_kll whole, pieces;
    double *values = draw(N, 0);
    (void)state;
    mlp_kll_init(&whole, 0, false, 7);
    mlp_kll_init(&pieces, 0, false, 7);
    values[5] = (double)NAN; /* is none */
    add(&whole, values, N);
    for (size_t at = 0, n; at < N; at += n) {
        n = 1 + test_roll(&chance, 5000);
        n = n > N - at ? N - at : n;
        add(&pieces, values + at, n);
    }
    assert_int_equal(whole.n, N - 1);
    same_bytes(&whole, &pieces);
    mlp_kll_free(&whole);
    mlp_kll_free(&pieces);
    free(values);
}

static void merges_are_within_the_error_and_commute(void **state)
{
    enum { N = 400000, PARTS = 8 };
    mlplat_error err = {0};
    const size_t each = N / PARTS;
    double *values = draw(N, 2);
    mlp_kll part[PARTS], up, down, none, narrow;
    (void)state;
    for (size_t i = 0; i < PARTS; i++) {
        mlp_kll_init(&part[i], (uint16_t)(200 + i), false, 11);
        add(&part[i], values + i * each, i == 3 ? 5 : each); /* one is small */
    }
    memmove(values + 3 * each + 5, values + 4 * each, 4 * each * sizeof *values);
    mlp_kll_init(&up, 0, false, 11);
    mlp_kll_init(&down, 0, false, 11);
    mlp_kll_init(&none, 0, false, 11);
    mlp_kll_init(&narrow, 0, true, 11);
    for (size_t i = 0; i < PARTS; i++)
        assert_ok(mlp_kll_merge(&up, &part[i], &err));
    assert_int_equal(up.n, 7 * each + 5);
    assert_true(largest_error(&up, values, up.n) <= mlp_kll_error(&up) * 1.3);
    assert_ok(mlp_kll_merge(&down, &part[1], &err));
    assert_ok(mlp_kll_merge(&down, &part[2], &err));
    assert_ok(mlp_kll_merge(&none, &part[2], &err));
    assert_ok(mlp_kll_merge(&none, &part[1], &err));
    same_bytes(&down, &none);
    assert_status(mlp_kll_merge(&narrow, &up, &err), MLPLAT_INVALID);
    for (size_t i = 0; i < PARTS; i++)
        mlp_kll_free(&part[i]);
    mlp_kll_free(&up);
    mlp_kll_free(&down);
    mlp_kll_free(&none);
    mlp_kll_free(&narrow);
    free(values);
}

static void quantiles_and_ranks_have_ends(void **state)
{
    static const double values[] = {4, 1, 3, 2};
    mlplat_error err = {0};
    mlp_kll kll;
    mlp_kll_view view;
    (void)state;
    mlp_kll_init(&kll, 0, false, 1);
    assert_ok(mlp_kll_look(&kll, &view, &err));
    assert_near(mlp_kll_view_quantile(&view, 0.5), (double)NAN, 0);
    assert_near(mlp_kll_view_rank(&view, 1), (double)NAN, 0);
    mlp_kll_view_free(&view);
    add(&kll, values, 4);
    assert_ok(mlp_kll_look(&kll, &view, &err));
    assert_near(mlp_kll_view_quantile(&view, 0), 1, 0);
    assert_near(mlp_kll_view_quantile(&view, 0.5), 2, 0);
    assert_near(mlp_kll_view_quantile(&view, 0.51), 3, 0);
    assert_near(mlp_kll_view_quantile(&view, 1), 4, 0);
    assert_near(mlp_kll_view_quantile(&view, 1.5), (double)NAN, 0);
    assert_near(mlp_kll_view_rank(&view, 0.5), 0, 0);
    assert_near(mlp_kll_view_rank(&view, 2), 0.5, 0);
    assert_near(mlp_kll_view_rank(&view, 9), 1, 0);
    assert_near(mlp_kll_error(&kll), 0, 0);
    mlp_kll_view_free(&view);
    mlp_kll_free(&kll);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 300, 70000};
    (void)state;
    for (int floats = 0; floats < 2; floats++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            mlplat_error err = {0};
            mlp_kll kll, back;
            double *values = draw(sizes[s], 0);
            mlp_kll_init(&kll, 0, floats, 9);
            add(&kll, values, sizes[s]);
            mlp_buf bytes = bytes_of(&kll);
            assert_ok(mlp_kll_read(bytes.data, bytes.size, floats, &back, &err));
            same_bytes(&kll, &back);
            mlp_buf_free(&bytes);
            mlp_kll_free(&kll);
            mlp_kll_free(&back);
            free(values);
        }
}

static void no_bytes_do_harm(void **state)
{
    mlplat_error err = {0};
    mlp_kll kll, back;
    double *values = draw(2000, 0);
    size_t refused = 0;
    (void)state;
    mlp_kll_init(&kll, 0, false, 9);
    add(&kll, values, 2000);
    mlp_buf bytes = bytes_of(&kll);
    for (size_t n = 0; n < bytes.size; n++)
        assert_status(mlp_kll_read(bytes.data, n, false, &back, &err), MLPLAT_CORRUPT);
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ 1 << i % 8);
        mlplat_status status = mlp_kll_read(bytes.data, bytes.size, false, &back, &err);
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ 1 << i % 8);
        refused += status != MLPLAT_OK;
        if (status == MLPLAT_OK) {
            add(&back, values, 2000);
            mlp_kll_free(&back);
        }
    }
    assert_true(refused > 160); /* most of head and levels; of an item the order, if at all */
    bytes.data[1] = 3;
    assert_status(mlp_kll_read(bytes.data, bytes.size, false, &back, &err), MLPLAT_UNSUPPORTED);
    mlp_buf_free(&bytes);
    mlp_kll_free(&kll);
    free(values);
}

/* Fed 1 to N, by the name of the file. */
static void one_of_theirs(const char *folder, const char *name)
{
    char path[2300];
    mlplat_error err = {0};
    mlp_buf bytes = {0};
    mlp_kll kll;
    bool floats = strncmp(name, "kll_float", 9) == 0;
    size_t n = (size_t)strtoull(strstr(name, "_n") + 2, NULL, 10);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(mlp_file_read(path, 1 << 20, &bytes, &err));
    assert_ok(mlp_kll_read(bytes.data, bytes.size, floats, &kll, &err));
    assert_int_equal(kll.n, n);
    if (n > 0) {
        double *values = draw(n, 1);
        for (size_t i = 0; i < n; i++)
            values[i] += 1;
        assert_true(largest_error(&kll, values, n) <= mlp_kll_error(&kll));
        assert_near(kll.min, 1, 0);
        assert_near(kll.max, (double)n, 0);
        free(values);
    }
    mlp_kll_free(&kll);
    mlp_buf_free(&bytes);
}

static void the_files_of_datasketches_are_read(void **state)
{
    char folder[2000];
    const char *source = getenv("MLPLAT_SOURCE_DIR");
    int files = 0;
    (void)state;
    snprintf(folder, sizeof folder, "%s/../shared/vectors/datasketches", source ? source : ".");
    DIR *dir = opendir(folder);
    if (!dir) {
        print_message("skipped: ../shared/vectors is not here\n");
        skip();
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "kll_", 4) == 0) {
            one_of_theirs(folder, e->d_name);
            files++;
        }
    closedir(dir);
    assert_true(files >= 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_within_its_error),
        cmocka_unit_test(a_larger_k_is_more_exact),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(merges_are_within_the_error_and_commute),
        cmocka_unit_test(quantiles_and_ranks_have_ends),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_bytes_do_harm),
        cmocka_unit_test(the_files_of_datasketches_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
