#include "stats/ks_stream.h"
#include "base/alloc.h"
#include "stats/key.h"
#include "stats/sort.h"
#include "stats/two_sample.h"
#include "stats/whole.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { CELLS = 1 << 16, CELL_BITS = 48, MOST_EXTRA = 14, EXTRA_BINS = 1 << 19 };

/* A cell is what has the same upper 16 bits. Its bins lie evenly over what the sample has in it; what is below or above
 * of that belongs to the first or the last of them. */
typedef struct cell {
    uint64_t from;
    uint32_t base, shift, last;
} cell;

typedef struct mlp_ks_stream {
    cell cell[CELLS];
    uint32_t bins;
    uint32_t *count[2];
    double *sample; /* sorted */
    size_t samples;
    int64_t n[2];
    /* between the passes */
    int64_t best;      /* largest |i m - j n| of an edge */
    uint32_t best_bin; /* behind which it is */
    double best_at;    /* the largest value of it that was seen */
    uint32_t *open;    /* of each bin: its place among the open ones, which are from 1 on; or 0 */
    uint32_t opened;
    double *usual;       /* of each open one: the value that most are equal to; NaN: none */
    uint32_t *others[2]; /* and how many are not */
    double *picked[2];
    size_t picks[2], room[2];
} mlp_ks_stream;

static inline uint32_t bin_of(const mlp_ks_stream *ks, double value)
{
    uint64_t key = mlp_key_of(value);
    const cell *c = &ks->cell[key >> CELL_BITS];
    uint64_t at = key < c->from ? 0 : (key - c->from) >> c->shift;
    return c->base + (at < c->last ? (uint32_t)at : c->last);
}

/* ---- bins -------------------------------------------------------------------------------------------------------- */

/* Its share of the extra bins is that of the sample, rounded down to a power of two. */
static cell make_cell(const mlp_ks_stream *ks, size_t first, size_t end)
{
    cell c = {.base = ks->bins};
    size_t share = (end - first) * EXTRA_BINS / (ks->samples + 1), bins = 1;
    while (bins < (size_t)1 << MOST_EXTRA && 2 * bins <= share)
        bins *= 2;
    if (first == end)
        return c;
    c.from = mlp_key_of(ks->sample[first]);
    uint64_t width = mlp_key_of(ks->sample[end - 1]) - c.from;
    while (width >> c.shift >= bins)
        c.shift++;
    c.last = (uint32_t)(width >> c.shift);
    return c;
}

static void lay_bins(mlp_ks_stream *ks)
{
    size_t at = 0;
    for (size_t c = 0; c < CELLS; c++) {
        size_t first = at;
        while (at < ks->samples && mlp_key_of(ks->sample[at]) >> CELL_BITS == c)
            at++;
        ks->cell[c] = make_cell(ks, first, at);
        ks->bins += ks->cell[c].last + 1;
    }
}

static mlplat_status take_sample(mlp_ks_stream *ks, const double *sample, size_t n, mlplat_error *err)
{
    ks->sample = mlp_alloc_array(n + 1, sizeof *ks->sample);
    if (!ks->sample)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!isnan(sample[i]))
            ks->sample[ks->samples++] = sample[i];
    return mlp_sort_doubles(ks->sample, ks->samples, err);
}

mlplat_status mlp_ks_stream_open(const double *sample, size_t n, mlp_ks_stream **out, mlplat_error *err)
{
    mlp_ks_stream *ks = mlp_alloc_array(1, sizeof *ks);
    *out = NULL;
    if (!ks)
        return mlp_fail_memory(err);
    mlplat_status status = take_sample(ks, sample, n, err);
    if (status == MLPLAT_OK) {
        lay_bins(ks);
        ks->count[0] = mlp_alloc_array(ks->bins, sizeof *ks->count[0]);
        ks->count[1] = mlp_alloc_array(ks->bins, sizeof *ks->count[1]);
        if (!ks->count[0] || !ks->count[1])
            status = mlp_fail_memory(err);
    }
    if (status == MLPLAT_OK)
        *out = ks;
    else
        mlp_ks_stream_free(ks);
    return status;
}

void mlp_ks_stream_free(mlp_ks_stream *ks)
{
    if (!ks)
        return;
    for (int which = 0; which < 2; which++) {
        mlp_free(ks->count[which]);
        mlp_free(ks->others[which]);
        mlp_free(ks->picked[which]);
    }
    mlp_free(ks->sample);
    mlp_free(ks->open);
    mlp_free(ks->usual);
    mlp_free(ks);
}

/* ---- the first pass ---------------------------------------------------------------------------------------------- */

void mlp_ks_stream_count(mlp_ks_stream *ks, int which, const double *values, size_t n)
{
    uint32_t *count = ks->count[which];
    size_t missing = 0;
    for (size_t i = 0; i < n; i++)
        if (values[i] == values[i])
            count[bin_of(ks, values[i])]++;
        else
            missing++;
    ks->n[which] += (int64_t)(n - missing);
}

static void find_best(mlp_ks_stream *ks)
{
    int64_t above = 0;
    for (uint32_t b = 0; b < ks->bins; b++) {
        above += ks->count[0][b] * ks->n[1] - ks->count[1][b] * ks->n[0];
        if ((above < 0 ? -above : above) > ks->best) {
            ks->best = above < 0 ? -above : above;
            ks->best_bin = b;
        }
    }
}

/* Inside of it F - G may go farther than at any edge: up if all of the first come before all of the second. */
static bool may_hide(const mlp_ks_stream *ks, uint32_t b, int64_t before)
{
    int64_t up = before + ks->count[0][b] * ks->n[1], down = before - ks->count[1][b] * ks->n[0];
    return ks->count[0][b] && ks->count[1][b] && (up > ks->best || -down > ks->best);
}

static uint32_t mark_open(mlp_ks_stream *ks)
{
    int64_t above = 0;
    uint32_t opened = 0;
    for (uint32_t b = 0; b < ks->bins; b++) {
        if (may_hide(ks, b, above))
            ks->open[b] = ++opened;
        above += ks->count[0][b] * ks->n[1] - ks->count[1][b] * ks->n[0];
    }
    return opened;
}

/* Of the sample, the value that is there most often in each open bin. */
static void find_usual(mlp_ks_stream *ks)
{
    size_t longest = 0, end;
    uint32_t last = 0;
    for (uint32_t i = 0; i <= ks->opened; i++)
        ks->usual[i] = (double)NAN;
    for (size_t at = 0; at < ks->samples; at = end) {
        for (end = at + 1; end < ks->samples && ks->sample[end] == ks->sample[at];)
            end++;
        uint32_t open = ks->open[bin_of(ks, ks->sample[at])];
        if (open == 0)
            continue;
        longest = open == last ? longest : 0;
        last = open;
        if (end - at > longest) {
            longest = end - at;
            ks->usual[open] = ks->sample[at];
        }
    }
}

mlplat_status mlp_ks_stream_narrow(mlp_ks_stream *ks, mlplat_error *err)
{
    if (ks->n[0] == 0 || ks->n[1] == 0)
        return mlp_fail(err, MLPLAT_INVALID, "one of two samples has no value, so they cannot be compared");
    if (ks->n[0] > UINT32_MAX || ks->n[1] > UINT32_MAX || ks->n[0] > INT64_MAX / 2 / ks->n[1])
        return mlp_fail(err, MLPLAT_INVALID, "samples of %lld and %lld values are too many to compare exactly",
                        (long long)ks->n[0], (long long)ks->n[1]);
    ks->open = mlp_alloc_array(ks->bins, sizeof *ks->open);
    if (!ks->open)
        return mlp_fail_memory(err);
    find_best(ks);
    ks->best_at = -(double)INFINITY;
    ks->opened = mark_open(ks);
    ks->usual = mlp_alloc_array((size_t)ks->opened + 1, sizeof *ks->usual);
    ks->others[0] = mlp_alloc_array((size_t)ks->opened + 1, sizeof *ks->others[0]);
    ks->others[1] = mlp_alloc_array((size_t)ks->opened + 1, sizeof *ks->others[1]);
    if (!ks->usual || !ks->others[0] || !ks->others[1])
        return mlp_fail_memory(err);
    find_usual(ks);
    return MLPLAT_OK;
}

/* ---- the second pass --------------------------------------------------------------------------------------------- */

static mlplat_status keep(mlp_ks_stream *ks, int which, double value, mlplat_error *err)
{
    size_t *n = &ks->picks[which], *room = &ks->room[which];
    if (ks->picks[0] + ks->picks[1] >= MLP_KS_PICKED)
        return mlp_fail(err, MLPLAT_STATE, "more than %d values lie where two samples may be farthest apart",
                        MLP_KS_PICKED);
    if (*n == *room) {
        double *more = mlp_realloc(ks->picked[which], (*room ? 2 * *room : 1024) * sizeof *more);
        if (!more)
            return mlp_fail_memory(err);
        ks->picked[which] = more;
        *room = *room ? 2 * *room : 1024;
    }
    ks->picked[which][(*n)++] = value;
    return MLPLAT_OK;
}

mlplat_status mlp_ks_stream_pick(mlp_ks_stream *ks, int which, const double *values, size_t n, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++) {
        double value = values[i];
        if (value != value)
            continue;
        uint32_t b = bin_of(ks, value), open = ks->open[b];
        if ((b == ks->best_bin) & (value > ks->best_at))
            ks->best_at = value + 0.0;
        if ((open == 0) | (value == ks->usual[open])) /* without a branch for each, which nobody could foresee */
            continue;
        ks->others[which][open]++;
        status = keep(ks, which, value, err);
    }
    return status;
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

typedef struct inside {
    mlp_ks_stream *ks;
    size_t at[2]; /* among the picked */
    int64_t above;
} inside;

static void look(inside *in, double value)
{
    int64_t far = in->above < 0 ? -in->above : in->above;
    if (far > in->ks->best) {
        in->ks->best = far;
        in->ks->best_at = value;
    }
}

/* Through an open bin in the order of its values; the usual one stands for all that were not picked. */
static mlplat_status walk_bin(inside *in, uint32_t b, mlplat_error *err)
{
    mlp_ks_stream *ks = in->ks;
    uint32_t open = ks->open[b];
    int64_t left[2], usual[2];
    for (int which = 0; which < 2; which++) {
        left[which] = ks->others[which][open];
        usual[which] = (int64_t)ks->count[which][b] - left[which];
        if (usual[which] < 0 || (usual[which] > 0 && isnan(ks->usual[open])))
            return mlp_fail(err, MLPLAT_CORRUPT, "the values of a sample changed between two looks at them");
    }
    while (left[0] + left[1] + usual[0] + usual[1] > 0) {
        double value = usual[0] + usual[1] > 0 ? ks->usual[open] : (double)INFINITY;
        for (int which = 0; which < 2; which++)
            if (left[which] > 0 && ks->picked[which][in->at[which]] < value)
                value = ks->picked[which][in->at[which]];
        for (int which = 0; which < 2; which++) {
            int64_t by = which == 0 ? ks->n[1] : -ks->n[0];
            for (; left[which] > 0 && ks->picked[which][in->at[which]] == value; left[which]--, in->at[which]++)
                in->above += by;
            if (value == ks->usual[open]) {
                in->above += by * usual[which];
                usual[which] = 0;
            }
        }
        look(in, value);
    }
    return MLPLAT_OK;
}

mlplat_status mlp_ks_stream_result(mlp_ks_stream *ks, mlp_ks_result *out, mlplat_error *err)
{
    inside in = {.ks = ks};
    mlplat_status status = mlp_sort_doubles(ks->picked[0], ks->picks[0], err);
    if (status == MLPLAT_OK)
        status = mlp_sort_doubles(ks->picked[1], ks->picks[1], err);
    for (uint32_t b = 0; b < ks->bins && status == MLPLAT_OK; b++)
        if (ks->open[b])
            status = walk_bin(&in, b, err);
        else
            in.above += ks->count[0][b] * ks->n[1] - ks->count[1][b] * ks->n[0];
    if (status != MLPLAT_OK)
        return status;
    *out = (mlp_ks_result){.n = ks->n[0], .m = ks->n[1], .at = ks->best_at, .picked = ks->picks[0] + ks->picks[1]};
    out->steps = ks->best / mlp_whole_divisor(ks->n[0], ks->n[1]);
    out->d = (double)((long double)ks->best / ((long double)ks->n[0] * (long double)ks->n[1]));
    return MLPLAT_OK;
}

/* ---- spans ------------------------------------------------------------------------------------------------------- */

/* Half of each, evenly spread. */
static size_t spread_sample(const double *values, size_t n, double *out)
{
    size_t most = MLP_KS_SAMPLE / 2, k = n < most ? n : most;
    for (size_t i = 0; i < k; i++)
        out[i] = values[i * (n / k) + i * (n % k) / k];
    return k;
}

static mlplat_status open_for(const double *a, size_t n, const double *b, size_t m, mlp_ks_stream **out,
                              mlplat_error *err)
{
    double *sample = mlp_alloc_array(MLP_KS_SAMPLE, sizeof *sample);
    *out = NULL;
    if (!sample)
        return mlp_fail_memory(err);
    size_t k = n ? spread_sample(a, n, sample) : 0;
    k += m ? spread_sample(b, m, sample + k) : 0;
    mlplat_status status = mlp_ks_stream_open(sample, k, out, err);
    mlp_free(sample);
    return status;
}

static double *sorted_copy(const double *values, size_t n, size_t *kept, mlplat_error *err)
{
    double *copy = mlp_alloc_array(n + 1, sizeof *copy);
    *kept = 0;
    for (size_t i = 0; copy && i < n; i++)
        if (values[i] == values[i])
            copy[(*kept)++] = values[i];
    if (!copy)
        mlp_fail_memory(err);
    else if (mlp_sort_doubles(copy, *kept, err) != MLPLAT_OK) {
        mlp_free(copy);
        copy = NULL;
    }
    return copy;
}

static mlplat_status by_sorting(const double *a, size_t n, const double *b, size_t m, mlp_ks_result *out,
                                mlplat_error *err)
{
    mlp_two_sample s;
    size_t an = 0, bn = 0;
    double *first = sorted_copy(a, n, &an, err), *second = first ? sorted_copy(b, m, &bn, err) : NULL;
    if (second) {
        mlp_two_sample_walk(first, an, second, bn, &s);
        *out = (mlp_ks_result){.n = s.n, .m = s.m, .steps = s.ks_steps, .d = s.ks, .at = s.ks_at, .picked = an + bn};
    }
    mlp_free(first);
    mlp_free(second);
    return second ? MLPLAT_OK : MLPLAT_NO_MEMORY;
}

mlplat_status mlp_ks_stream_spans(const double *a, size_t n, const double *b, size_t m, mlp_ks_result *out,
                                  mlplat_error *err)
{
    mlp_ks_stream *ks = NULL;
    mlplat_status status = open_for(a, n, b, m, &ks, err);
    if (status != MLPLAT_OK)
        return status;
    mlp_ks_stream_count(ks, 0, a, n);
    mlp_ks_stream_count(ks, 1, b, m);
    status = mlp_ks_stream_narrow(ks, err);
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_pick(ks, 0, a, n, err);
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_pick(ks, 1, b, m, err);
    bool many = status == MLPLAT_STATE;
    if (status == MLPLAT_OK)
        status = mlp_ks_stream_result(ks, out, err);
    mlp_ks_stream_free(ks);
    return many ? by_sorting(a, n, b, m, out, err) : status;
}
