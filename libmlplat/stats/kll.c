#include "stats/kll.h"
#include "base/alloc.h"
#include "stats/sort.h"
#include <math.h>
#include <string.h>

enum { LEAST = 8 /* of a level's capacity: DataSketches' m */, WIDE = 10 /* levels above the sampler */ };

/* ---- chance ------------------------------------------------------------------------------------------------------ */

/* S. Vigna's splitmix64. */
static uint64_t next_chance(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- levels ------------------------------------------------------------------------------------------------------ */

/* DataSketches' capacities: k (2/3)^depth, rounded in whole numbers as it does. */
static uint32_t scaled(uint64_t k, int depth)
{
    uint64_t thirds = 1;
    for (int i = 0; i < depth; i++)
        thirds *= 3;
    return (uint32_t)((((2 * k) << depth) / thirds + 1) >> 1);
}

static uint32_t capacity(uint16_t k, int levels, int h)
{
    int depth = levels - h - 1;
    uint32_t c = depth <= 30 ? scaled(k, depth) : scaled(scaled(k, depth / 2), depth - depth / 2);
    return c > LEAST ? c : LEAST;
}

static uint32_t whole_capacity(uint16_t k, int levels)
{
    uint32_t sum = 0;
    for (int h = 0; h < levels; h++)
        sum += capacity(k, levels, h);
    return sum;
}

static uint32_t kept(const mlp_kll *kll)
{
    uint32_t sum = 0;
    for (int h = 0; h < kll->levels; h++)
        sum += kll->level[h].n;
    return sum;
}

static mlplat_status make_room(mlp_kll_level *level, size_t more, mlplat_error *err)
{
    size_t want = level->n + more, room = level->room ? level->room : LEAST;
    if (want <= level->room)
        return MLPLAT_OK;
    while (room < want)
        room *= 2;
    double *items = mlp_realloc(level->items, room * sizeof *items);
    if (!items)
        return mlp_fail_memory(err);
    level->items = items;
    level->room = (uint32_t)room;
    return MLPLAT_OK;
}

/* Merges sorted items into a sorted level, from the end on; there is room. Every `step`th of the items is taken. */
static void merge_in(mlp_kll_level *level, const double *items, uint32_t n, uint32_t step)
{
    uint32_t i = level->n, j = n, to = level->n + n;
    level->n = to;
    while (j > 0)
        if (i > 0 && level->items[i - 1] > items[(size_t)(j - 1) * step])
            level->items[--to] = level->items[--i];
        else
            level->items[--to] = items[(size_t)--j * step];
}

/* Half of a level goes up, every second one, and the other half goes; if one is left over, it is the least. */
static mlplat_status compact(mlp_kll *kll, int h, mlplat_error *err)
{
    mlp_kll_level *from = &kll->level[h], *to = &kll->level[h + 1];
    uint32_t odd = from->n % 2, half = from->n / 2;
    mlplat_status status = make_room(to, half, err);
    if (status == MLPLAT_OK && h == kll->fed)
        status = mlp_sort_doubles(from->items, from->n, err);
    if (status != MLPLAT_OK)
        return status;
    merge_in(to, from->items + odd + (next_chance(&kll->chance) >> 63), half, 2);
    from->n = odd;
    if (h + 1 == kll->levels)
        kll->levels++;
    return MLPLAT_OK;
}

/* Where levels have become many, values enter higher: one of 2^fed. Between two blocks only. */
static mlplat_status feed_higher(mlp_kll *kll, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    int fed = kll->levels > WIDE ? kll->levels - WIDE : 0;
    if (fed <= kll->fed || kll->seen > 0)
        return MLPLAT_OK;
    status = mlp_sort_doubles(kll->level[kll->fed].items, kll->level[kll->fed].n, err);
    kll->fed = status == MLPLAT_OK ? fed : kll->fed;
    return status;
}

static mlplat_status compress(mlp_kll *kll, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    while (status == MLPLAT_OK && kept(kll) >= whole_capacity(kll->k, kll->levels)) {
        int h = 0;
        while (kll->level[h].n < capacity(kll->k, kll->levels, h))
            h++;
        status = kll->levels < MLP_KLL_LEVELS ? compact(kll, h, err)
                                              : mlp_fail(err, MLPLAT_INVALID, "a sketch of more than 2^60 values");
    }
    return status == MLPLAT_OK ? feed_higher(kll, err) : status;
}

static mlplat_status push(mlp_kll *kll, double value, mlplat_error *err)
{
    mlp_kll_level *level = &kll->level[kll->fed];
    mlplat_status status = make_room(level, 1, err);
    if (status != MLPLAT_OK)
        return status;
    level->items[level->n++] = value;
    if (kll->left > 0) {
        kll->left--;
        return MLPLAT_OK;
    }
    status = compress(kll, err);
    kll->left = whole_capacity(kll->k, kll->levels) - kept(kll) - 1;
    return status;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

void mlp_kll_init(mlp_kll *kll, uint16_t k, bool floats, uint64_t seed)
{
    *kll = (mlp_kll){.k = k ? k : MLP_KLL_K, .floats = floats, .levels = 1, .chance = seed};
    kll->min_k = kll->k;
}

void mlp_kll_free(mlp_kll *kll)
{
    for (int h = 0; h < MLP_KLL_LEVELS; h++)
        mlp_free(kll->level[h].items);
    *kll = (mlp_kll){0};
}

static void widen(mlp_kll *kll, double low, double high)
{
    bool first = kll->n == 0;
    kll->min = first || low < kll->min ? low : kll->min;
    kll->max = first || high > kll->max ? high : kll->max;
}

/* One of each block of 2^fed, whichever chance has chosen before. */
static mlplat_status sample(mlp_kll *kll, double value, mlplat_error *err)
{
    if (kll->fed == 0)
        return push(kll, value, err);
    if (kll->seen == 0)
        kll->pick = next_chance(&kll->chance) >> (64 - kll->fed);
    if (kll->seen == kll->pick)
        kll->picked = value;
    kll->last = value;
    if (++kll->seen < (uint64_t)1 << kll->fed)
        return MLPLAT_OK;
    kll->seen = 0;
    return push(kll, kll->picked, err);
}

mlplat_status mlp_kll_add(mlp_kll *kll, const double *values, size_t n, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    for (size_t i = 0; i < n && status == MLPLAT_OK; i++) {
        double value = kll->floats ? (double)(float)values[i] : values[i];
        if (isnan(value))
            continue;
        widen(kll, value, value);
        kll->n++;
        status = sample(kll, value, err);
    }
    return status;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static mlplat_status merge_level(mlp_kll *kll, int h, double *items, uint32_t n, mlplat_error *err)
{
    mlplat_status status = make_room(&kll->level[h], n, err);
    if (status == MLPLAT_OK)
        merge_in(&kll->level[h], items, n, 1);
    return status;
}

/* The values of a block that is not full, as if it were one value: it has their weight, a bit a level. */
static mlplat_status end_block(mlp_kll *kll, mlplat_error *err)
{
    double value = kll->pick < kll->seen ? kll->picked : kll->last;
    mlplat_status status = MLPLAT_OK;
    for (int h = 0; h < kll->fed && status == MLPLAT_OK; h++)
        if (kll->seen >> h & 1)
            status = merge_level(kll, h, &value, 1, err);
    kll->seen = 0;
    return status;
}

/* All levels sorted, no block open. */
static mlplat_status settle(mlp_kll *kll, mlplat_error *err)
{
    mlp_kll_level *fed = &kll->level[kll->fed];
    mlplat_status status = mlp_sort_doubles(fed->items, fed->n, err);
    return status == MLPLAT_OK ? end_block(kll, err) : status;
}

static mlplat_status copy_of(const mlp_kll *kll, mlp_kll *out, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    *out = *kll;
    for (int h = 0; h < MLP_KLL_LEVELS; h++)
        out->level[h] = (mlp_kll_level){0};
    for (int h = 0; h < kll->levels && status == MLPLAT_OK; h++) {
        status = make_room(&out->level[h], kll->level[h].n, err);
        if (status == MLPLAT_OK && kll->level[h].n > 0)
            memcpy(out->level[h].items, kll->level[h].items, kll->level[h].n * sizeof(double));
        out->level[h].n = status == MLPLAT_OK ? kll->level[h].n : 0;
    }
    if (status == MLPLAT_OK)
        status = settle(out, err);
    if (status != MLPLAT_OK)
        mlp_kll_free(out);
    return status;
}

/* Both are settled. Which of them comes first makes no difference. */
static mlplat_status merge_settled(mlp_kll *kll, const mlp_kll *other, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    widen(kll, other->min, other->max);
    kll->n += other->n;
    kll->k = other->k < kll->k ? other->k : kll->k;
    kll->min_k = other->min_k < kll->min_k ? other->min_k : kll->min_k;
    kll->levels = other->levels > kll->levels ? other->levels : kll->levels;
    kll->fed = other->fed > kll->fed ? other->fed : kll->fed;
    kll->chance += other->chance;
    kll->left = 0;
    for (int h = 0; h < other->levels && status == MLPLAT_OK; h++)
        status = merge_level(kll, h, other->level[h].items, other->level[h].n, err);
    return status == MLPLAT_OK ? compress(kll, err) : status;
}

mlplat_status mlp_kll_merge(mlp_kll *kll, const mlp_kll *other, mlplat_error *err)
{
    mlp_kll mine = {0}, theirs = {0};
    if (kll->floats != other->floats)
        return mlp_fail(err, MLPLAT_INVALID, "a sketch of floats and one of doubles cannot be merged");
    if (other->n == 0)
        return MLPLAT_OK;
    mlplat_status status = copy_of(kll, &mine, err);
    if (status == MLPLAT_OK)
        status = copy_of(other, &theirs, err);
    if (status == MLPLAT_OK)
        status = merge_settled(&mine, &theirs, err);
    mlp_kll *gone = status == MLPLAT_OK ? kll : &mine;
    mlp_kll whole = mine;
    mlp_kll_free(gone);
    if (status == MLPLAT_OK)
        *kll = whole;
    mlp_kll_free(&theirs);
    return status;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

/* Level by level into what was there before. */
static void merge_view(mlp_kll_view *view, const mlp_kll_level *level, double weight)
{
    size_t i = view->n, j = level->n, to = i + j;
    view->n = to;
    while (j > 0) {
        bool old = i > 0 && view->values[i - 1] > level->items[j - 1];
        to--;
        view->values[to] = old ? view->values[i - 1] : level->items[j - 1];
        view->ranks[to] = old ? view->ranks[i - 1] : weight;
        i -= old;
        j -= !old;
    }
}

mlplat_status mlp_kll_look(const mlp_kll *kll, mlp_kll_view *out, mlplat_error *err)
{
    mlp_kll all;
    double sum = 0;
    *out = (mlp_kll_view){0};
    mlplat_status status = copy_of(kll, &all, err);
    if (status != MLPLAT_OK)
        return status;
    out->values = mlp_alloc_array((size_t)kept(&all) + 1, sizeof *out->values);
    out->ranks = mlp_alloc_array((size_t)kept(&all) + 1, sizeof *out->ranks);
    if (!out->values || !out->ranks) {
        mlp_kll_free(&all);
        mlp_kll_view_free(out);
        return mlp_fail_memory(err);
    }
    for (int h = 0; h < all.levels; h++)
        merge_view(out, &all.level[h], (double)((uint64_t)1 << h));
    for (size_t i = 0; i < out->n; i++) {
        sum += out->ranks[i];
        out->ranks[i] = sum / (double)all.n;
    }
    mlp_kll_free(&all);
    return MLPLAT_OK;
}

void mlp_kll_view_free(mlp_kll_view *view)
{
    mlp_free(view->values);
    mlp_free(view->ranks);
    *view = (mlp_kll_view){0};
}

double mlp_kll_view_quantile(const mlp_kll_view *view, double q)
{
    size_t low = 0, high = view->n;
    if (view->n == 0 || !(q >= 0 && q <= 1))
        return (double)NAN;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (view->ranks[mid] < q)
            low = mid + 1;
        else
            high = mid;
    }
    return view->values[low < view->n ? low : view->n - 1];
}

double mlp_kll_view_rank(const mlp_kll_view *view, double value)
{
    size_t low = 0, high = view->n;
    if (view->n == 0 || isnan(value))
        return (double)NAN;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (view->values[mid] <= value)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? view->ranks[low - 1] : 0;
}

double mlp_kll_error(const mlp_kll *kll)
{
    return kll->levels > 1 ? 2.296 / pow(kll->min_k, 0.9021) : 0;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

enum { FAMILY = 15, EMPTY = 1, SORTED = 2, SINGLE = 4, HEAD = 20 };

static void put_item(const mlp_kll *kll, mlp_buf *out, double item)
{
    float narrow = (float)item;
    mlp_buf_add(out, kll->floats ? (const void *)&narrow : &item, kll->floats ? sizeof narrow : sizeof item);
}

static void put_short(mlp_buf *out, const mlp_kll *kll, bool single)
{
    unsigned char head[8] = {2,
                             single ? 2 : 1,
                             FAMILY,
                             (unsigned char)(single ? SINGLE | SORTED : EMPTY | SORTED),
                             (unsigned char)kll->k,
                             (unsigned char)(kll->k >> 8),
                             LEAST,
                             0};
    mlp_buf_add(out, head, sizeof head);
    if (single)
        put_item(kll, out, kll->min);
}

static void put_full(mlp_buf *out, const mlp_kll *kll)
{
    unsigned char head[HEAD] = {5, 1, FAMILY, SORTED, (unsigned char)kll->k, (unsigned char)(kll->k >> 8), LEAST};
    uint32_t at = whole_capacity(kll->k, kll->levels) - kept(kll);
    memcpy(head + 8, &kll->n, 8);
    memcpy(head + 16, &kll->min_k, 2);
    head[18] = (unsigned char)kll->levels;
    mlp_buf_add(out, head, sizeof head);
    for (int h = 0; h < kll->levels; at += kll->level[h++].n)
        mlp_buf_add(out, &at, sizeof at);
    put_item(kll, out, kll->min);
    put_item(kll, out, kll->max);
    for (int h = 0; h < kll->levels; h++)
        for (uint32_t i = 0; i < kll->level[h].n; i++)
            put_item(kll, out, kll->level[h].items[i]);
}

mlplat_status mlp_kll_write(const mlp_kll *kll, mlp_buf *out, mlplat_error *err)
{
    mlp_kll all;
    mlplat_status status = copy_of(kll, &all, err);
    if (status == MLPLAT_OK)
        status = compress(&all, err);
    if (status != MLPLAT_OK)
        return status;
    if (all.n < 2)
        put_short(out, &all, all.n == 1);
    else
        put_full(out, &all);
    mlp_kll_free(&all);
    return mlp_buf_ok(out, err);
}

static mlplat_status corrupt(mlplat_error *err, const char *why)
{
    return mlp_fail(err, MLPLAT_CORRUPT, "this is no KLL sketch of Apache DataSketches: %s", why);
}

static double get_item(const mlp_kll *kll, const unsigned char *at)
{
    float narrow;
    double item;
    memcpy(&narrow, at, sizeof narrow);
    if (kll->floats)
        return (double)narrow;
    memcpy(&item, at, sizeof item);
    return item;
}

/* Level h from its bytes; the lowest may be in any order. */
static mlplat_status get_level(mlp_kll *kll, int h, const unsigned char *at, uint32_t n, mlplat_error *err)
{
    mlp_kll_level *level = &kll->level[h];
    size_t size = kll->floats ? sizeof(float) : sizeof(double);
    mlplat_status status = make_room(level, n, err);
    if (status != MLPLAT_OK)
        return status;
    for (uint32_t i = 0; i < n; i++) {
        double item = get_item(kll, at + i * size);
        if (!(item >= kll->min && item <= kll->max))
            return corrupt(err, "an item lies beyond its extremes");
        if (h > 0 && i > 0 && item < level->items[i - 1])
            return corrupt(err, "a level is not in order");
        level->items[i] = item;
    }
    level->n = n;
    return MLPLAT_OK;
}

static mlplat_status get_levels(mlp_kll *kll, const unsigned char *bytes, size_t n, mlplat_error *err)
{
    size_t size = kll->floats ? sizeof(float) : sizeof(double), ends = HEAD + 4 * (size_t)kll->levels;
    uint32_t capacity_of_all = whole_capacity(kll->k, kll->levels), from, to;
    uint64_t weight = 0;
    mlplat_status status = MLPLAT_OK;
    if (n < ends + 2 * size)
        return corrupt(err, "it ends early");
    kll->min = get_item(kll, bytes + ends);
    kll->max = get_item(kll, bytes + ends + size);
    const unsigned char *at = bytes + ends + 2 * size, *end = bytes + n;
    for (int h = 0; h < kll->levels && status == MLPLAT_OK; h++) {
        memcpy(&from, bytes + HEAD + 4 * (size_t)h, 4);
        to = capacity_of_all;
        if (h + 1 < kll->levels)
            memcpy(&to, bytes + HEAD + 4 * ((size_t)h + 1), 4);
        if (from > to || to > capacity_of_all || (size_t)(end - at) < (to - from) * size)
            return corrupt(err, "its levels are not where it says");
        status = get_level(kll, h, at, to - from, err);
        at += (to - from) * size;
        weight += (uint64_t)(to - from) << h;
    }
    if (status == MLPLAT_OK && (weight != kll->n || at != end))
        return corrupt(err, "its items do not have the weight that it says");
    return status;
}

static mlplat_status get_single(mlp_kll *kll, const unsigned char *bytes, size_t n, mlplat_error *err)
{
    size_t size = kll->floats ? sizeof(float) : sizeof(double);
    double item = n == 8 + size ? get_item(kll, bytes + 8) : (double)NAN;
    if (isnan(item))
        return corrupt(err, "it has no item");
    kll->n = 1;
    kll->min = kll->max = item;
    return push(kll, item, err);
}

static mlplat_status get_full(mlp_kll *kll, const unsigned char *bytes, size_t n, mlplat_error *err)
{
    if (n < HEAD || bytes[0] != 5 || bytes[18] < 1 || bytes[18] >= MLP_KLL_LEVELS)
        return corrupt(err, "its head is none");
    memcpy(&kll->n, bytes + 8, 8);
    memcpy(&kll->min_k, bytes + 16, 2);
    kll->levels = bytes[18];
    if (kll->min_k < MLP_KLL_MIN_K || kll->n < 2)
        return corrupt(err, "its head is none");
    mlplat_status status = get_levels(kll, bytes, n, err);
    return status == MLPLAT_OK ? feed_higher(kll, err) : status;
}

mlplat_status mlp_kll_read(const void *data, size_t n, bool floats, mlp_kll *out, mlplat_error *err)
{
    const unsigned char *bytes = data;
    *out = (mlp_kll){0};
    if (n < 8 || bytes[2] != FAMILY || bytes[6] != LEAST)
        return corrupt(err, "its head is none");
    if (bytes[1] == 3)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "this KLL sketch has Java's updatable form: write it by toByteArray()");
    uint16_t k = (uint16_t)(bytes[4] | bytes[5] << 8);
    if (k < MLP_KLL_MIN_K || bytes[1] < 1 || bytes[1] > 2)
        return corrupt(err, "its head is none");
    mlp_kll_init(out, k, floats, 0);
    mlplat_status status = MLPLAT_OK;
    if (bytes[3] & EMPTY)
        status = n == 8 ? MLPLAT_OK : corrupt(err, "it is empty and has bytes");
    else if (bytes[1] == 2 || bytes[3] & SINGLE)
        status = get_single(out, bytes, n, err);
    else
        status = get_full(out, bytes, n, err);
    if (status != MLPLAT_OK)
        mlp_kll_free(out);
    return status;
}
