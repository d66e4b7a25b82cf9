#include "stats/exact.h"
#include "base/alloc.h"
#include "stats/density.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* ---- Fisher ------------------------------------------------------------------------------------------------------ */

typedef struct margins {
    int64_t row, column, total; /* of the cell that is counted */
} margins;

/* From a table to the one with a unit more in its cell. */
static long double ratio(const margins *m, int64_t x)
{
    return (long double)(m->row - x) / (long double)(x + 1) * (long double)(m->column - x) /
           (long double)(m->total - m->row - m->column + x + 1);
}

/* The weights of all tables on one side of the heaviest, which has 1: of all, and of those no heavier than `limit`. */
static void add_side(const margins *m, int64_t mode, int64_t end, long double limit, long double sums[2])
{
    bool up = mode < end;
    long double weight = 1;
    for (int64_t x = mode; x != end; x += up ? 1 : -1) {
        weight *= up ? ratio(m, x) : 1 / ratio(m, x - 1);
        sums[0] += weight;
        sums[1] += weight <= limit ? weight : 0;
        if (weight < sums[0] * 1e-25L && weight < limit * 1e-25L)
            return;
    }
}

static double sum_of_tables(const margins *m, int64_t x, int64_t low, int64_t high)
{
    int64_t mode = (int64_t)((long double)(m->row + 1) * (long double)(m->column + 1) / (long double)(m->total + 2));
    mode = mode < low ? low : mode > high ? high : mode;
    long double log_ratio = 0; /* of the table's weight to the heaviest */
    for (int64_t i = mode; i < x; i++)
        log_ratio += logl(ratio(m, i));
    for (int64_t i = mode; i > x; i--)
        log_ratio -= logl(ratio(m, i - 1));
    long double limit = expl(log_ratio) * (1 + 1e-7L), sums[2] = {1, limit >= 1};
    add_side(m, mode, high, limit, sums);
    add_side(m, mode, low, limit, sums);
    return (double)(sums[1] / sums[0]);
}

double mlp_exact_fisher(int64_t a, int64_t b, int64_t c, int64_t d)
{
    if (a < 0 || b < 0 || c < 0 || d < 0)
        return (double)NAN;
    margins m = {a + b, a + c, a + b + c + d};
    int64_t low = m.row + m.column - m.total, high = m.row < m.column ? m.row : m.column;
    low = low < 0 ? 0 : low;
    return low == high ? 1 : sum_of_tables(&m, a, low, high);
}

/* ---- Mann and Whitney -------------------------------------------------------------------------------------------- */

/* of[j][k]: the share of the orders of i and j values in which U is k. The last of them is one of the first sample, and
 * larger than all j, or one of the second. of[m + 1] is where the next row goes. */
static void next_size(double **of, int64_t i, int64_t m, int64_t most)
{
    for (int64_t j = 1; j <= m; j++) {
        double first = (double)i / (double)(i + j), second = (double)j / (double)(i + j);
        double *restrict row = of[m + 1];
        const double *was = of[j], *less = of[j - 1];
        int64_t last = i * j < most ? i * j : most, own = j - 1 < last ? j - 1 : last;
        for (int64_t k = 0; k <= own; k++)
            row[k] = less[k] * second;
        for (int64_t k = j; k <= last; k++)
            row[k] = was[k - j] * first + less[k] * second;
        for (int64_t k = last + 1; k <= last + i && k <= most; k++)
            row[k] = 0; /* so far the next one looks */
        of[m + 1] = of[j];
        of[j] = row;
    }
}

static double lower_tail(double *room, double **of, int64_t n, int64_t m, int64_t most)
{
    double sum = 0;
    memset(room, 0, sizeof *room * (size_t)(m + 2) * (size_t)(most + 1));
    for (int64_t j = 0; j <= m + 1; j++) {
        of[j] = room + j * (most + 1);
        of[j][0] = j <= m;
    }
    for (int64_t i = 1; i <= n; i++)
        next_size(of, i, m, most);
    for (int64_t k = 0; k <= most; k++)
        sum += of[m][k];
    return sum;
}

mlplat_status mlp_exact_mann_whitney(int64_t n, int64_t m, double u, double *out, mlplat_error *err)
{
    if (n < 1 || m < 1 || !(u >= 0 && u <= (double)n * (double)m))
        return mlp_fail(err, MLPLAT_INVALID, "U = %g is none of samples of %lld and %lld", u, (long long)n,
                        (long long)m);
    int64_t most = (int64_t)floor(u < (double)(n * m) - u ? u : (double)(n * m) - u);
    double *room = mlp_alloc_array((size_t)((m + 2) * (most + 1)), sizeof *room);
    double **of = mlp_alloc_array((size_t)m + 2, sizeof *of);
    if (room && of)
        *out = fmin(1, 2 * lower_tail(room, of, n, m, most));
    mlp_free(room);
    mlp_free(of);
    return room && of ? MLPLAT_OK : mlp_fail_memory(err);
}
