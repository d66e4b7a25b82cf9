#include "stats/two_sample.h"
#include "stats/density.h"
#include "stats/tails.h"
#include "stats/whole.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

typedef struct walk {
    const double *a, *b;
    int64_t n, m, i, j;      /* i and j values are behind us */
    int64_t highest, lowest; /* of i m - j n */
    double highest_at, lowest_at;
    int64_t twice_u;
    long double ties, ranks_a, ranks_b, anderson;
} walk;

static int64_t equal_run(const double *values, int64_t from, int64_t n, double value)
{
    int64_t end = from;
    while (end < n && values[end] == value)
        end++;
    return end - from;
}

/* Sum of (rank - k)^2 for the k = first + 1 .. first + t that share a rank. */
static long double spread(long double rank, int64_t first, int64_t t)
{
    long double d = rank - (long double)first, k = (long double)t;
    return k * d * d - d * k * (k + 1) + k * (k + 1) * (2 * k + 1) / 6;
}

/* Scholz and Stephens' (7): the term of one value, of which l of both are there, b of all below it and half of it. */
static long double anderson_term(const walk *w, int64_t ta, int64_t tb)
{
    long double l = (long double)(ta + tb), all = (long double)(w->n + w->m), b = (long double)(w->i + w->j) + l / 2;
    long double below = b * (all - b) - all * l / 4;
    long double first = all * ((long double)w->i + (long double)ta / 2) - b * (long double)w->n;
    long double second = all * ((long double)w->j + (long double)tb / 2) - b * (long double)w->m;
    if (below <= 0)
        return 0;
    return l / all * (first * first / (long double)w->n + second * second / (long double)w->m) / below;
}

static void step(walk *w, double value, int64_t ta, int64_t tb)
{
    int64_t t = ta + tb;
    w->twice_u += ta * (2 * w->j + tb);
    if (t > 1)
        w->ties += (long double)t * ((long double)t * (long double)t - 1);
    long double rank = (long double)(w->i + w->j) + ((long double)t + 1) / 2;
    w->ranks_a += ta > 0 ? spread(rank, w->i, ta) : 0;
    w->ranks_b += tb > 0 ? spread(rank, w->j, tb) : 0;
    w->anderson += anderson_term(w, ta, tb);
    w->i += ta;
    w->j += tb;
    int64_t above = w->i * w->m - w->j * w->n;
    if (above > w->highest) {
        w->highest = above;
        w->highest_at = value;
    }
    if (above < w->lowest) {
        w->lowest = above;
        w->lowest_at = value;
    }
}

static void walk_ranks(walk *w)
{
    while (w->i < w->n || w->j < w->m) {
        double value = w->j >= w->m || (w->i < w->n && w->a[w->i] < w->b[w->j]) ? w->a[w->i] : w->b[w->j];
        step(w, value, equal_run(w->a, w->i, w->n, value), equal_run(w->b, w->j, w->m, value));
    }
}

/* ---- distances --------------------------------------------------------------------------------------------------- */

typedef struct part {
    const double *at;
    int64_t n;
} part;

static part finite_part(const double *values, size_t n)
{
    size_t from = 0, end = n;
    while (from < end && isinf(values[from]))
        from++;
    while (end > from && isinf(values[end - 1]))
        end--;
    return (part){values + from, (int64_t)(end - from)};
}

/* Between two values next to each other F and G are constant. */
static void walk_distances(part a, part b, mlp_two_sample *out)
{
    long double plain = 0, square = 0, by = 1 / ((long double)a.n * (long double)b.n);
    int64_t i = 0, j = 0;
    double before = a.at[0] < b.at[0] ? a.at[0] : b.at[0];
    while (i < a.n || j < b.n) {
        bool first = j >= b.n || (i < a.n && a.at[i] <= b.at[j]);
        double value = first ? a.at[i] : b.at[j];
        long double gap = (long double)value - before, apart = (long double)(i * b.n - j * a.n) * by;
        plain += fabsl(apart) * gap;
        square += apart * apart * gap;
        before = value;
        i += first;
        j += !first;
    }
    out->wasserstein = (double)plain;
    out->energy = (double)sqrtl(2 * square);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* H(n) = 1 + 1/2 + ... + 1/n, and with squares. */
static long double harmonic(long double n, long double *squares)
{
    const long double gamma = 0.57721566490153286060651209008240243L;
    long double sum = 0, x = n, more = 0;
    while (x < 40) { /* H(n) = H(n + 1) - 1 / (n + 1), up to where the series are good */
        x++;
        sum -= 1 / x;
        more -= 1 / (x * x);
    }
    long double y = 1 / (x * x);
    *squares = more + MLP_PI * MLP_PI / 6 - 1 / x + y / 2 - y / x * (1 / 6.0L - y * (1 / 30.0L - y / 42));
    return sum + logl(x) + gamma + 1 / (2 * x) - y * (1 / 12.0L - y * (1 / 120.0L - y / 252));
}

/* Scholz and Stephens' (4) to (6) for two samples: mean 1, and the variance. Their double sum g has a closed form, as
 * the sum over k of H(k) / (N - k) is H(N)^2 less the sum of 1 / k^2. */
static double normalised(const walk *w)
{
    long double all = (long double)(w->n + w->m), squares, before;
    long double a2 = w->anderson * (all - 1) / all, whole = harmonic(all, &squares);
    long double h = harmonic(all - 1, &before), g = h * h - whole * whole + squares;
    long double inverse = 1 / (long double)w->n + 1 / (long double)w->m, k = 2;
    long double a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse;
    long double b = (2 * g - 4) * k * k + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6;
    long double c = (6 * h + 2 * g - 2) * k * k + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h;
    long double d = (2 * h + 6) * k * k - 4 * h * k;
    long double variance = (((a * all + b) * all + c) * all + d) / ((all - 1) * (all - 2) * (all - 3));
    return all > 3 ? (double)((a2 - (k - 1)) / sqrtl(variance)) : (double)NAN;
}

static void tell(const walk *w, mlp_two_sample *out)
{
    long double n = (long double)w->n, m = (long double)w->m, all = n + m, product = n * m;
    int64_t most = w->highest >= -w->lowest ? w->highest : -w->lowest;
    out->n = w->n;
    out->m = w->m;
    out->ks = (double)((long double)most / product);
    out->ks_plus = (double)((long double)w->highest / product);
    out->ks_minus = (double)(-(long double)w->lowest / product);
    out->ks_at = w->highest >= -w->lowest ? w->highest_at : w->lowest_at;
    out->ks_steps = most / mlp_whole_divisor(w->n, w->m);
    out->u = (double)w->twice_u / 2;
    out->ties = (double)w->ties;
    out->cramer = (double)((n * w->ranks_a + m * w->ranks_b) / (product * all) - (4 * product - 1) / (6 * all));
    out->anderson =
        w->a[0] == w->a[w->n - 1] && w->b[0] == w->b[w->m - 1] && w->a[0] == w->b[0] ? (double)NAN : normalised(w);
}

void mlp_two_sample_walk(const double *a, size_t n, const double *b, size_t m, mlp_two_sample *out)
{
    assert(n > 0 && m > 0);
    walk w = {.a = a, .b = b, .n = (int64_t)n, .m = (int64_t)m, .highest_at = a[0], .lowest_at = a[0]};
    part first = finite_part(a, n), second = finite_part(b, m);
    *out = (mlp_two_sample){.wasserstein = (double)NAN, .energy = (double)NAN};
    walk_ranks(&w);
    tell(&w, out);
    out->wasserstein_n = (double)first.n;
    out->wasserstein_m = (double)second.n;
    if (first.n > 0 && second.n > 0)
        walk_distances(first, second, out);
}

double mlp_two_sample_whitney_p(const mlp_two_sample *s)
{
    double n = (double)s->n, m = (double)s->m, all = n + m;
    double variance = n * m / 12 * (all + 1 - s->ties / (all * (all - 1)));
    double away = fabs(s->u - n * m / 2) - 0.5;
    if (!(variance > 0))
        return 1;
    return fmin(1, 2 * mlp_normal_sf(away / sqrt(variance)));
}
