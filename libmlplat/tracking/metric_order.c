#include "tracking/metric_order.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

static mlplat_status make(mlp_metric_order *order, size_t n, mlplat_error *err)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    mlp_metric_order made = {
        .groups = mlp_alloc_array(n, sizeof *order->groups),
        .sliced = mlp_alloc_array(n, sizeof *order->sliced),
        .slots = mlp_alloc_array(slots, sizeof *order->slots),
        .next = mlp_alloc_array(n, sizeof *order->next),
        .mask = (uint32_t)(slots - 1),
        .room = n,
    };
    *order = made;
    if (order->groups && order->sliced && order->slots && order->next)
        return MLPLAT_OK;
    mlp_metric_order_free(order);
    return mlp_fail_memory(err);
}

mlplat_status mlp_metric_order_room(mlp_metric_order *order, size_t n, mlplat_error *err)
{
    mlp_metric_order_clear(order);
    if (order->room >= n)
        return MLPLAT_OK;
    mlp_metric_order_free(order);
    return make(order, n, err);
}

/* A child that is forked in between finds nothing to free, not what is freed already. */
void mlp_metric_order_free(mlp_metric_order *order)
{
    mlp_metric_order old = *order;
    *order = (mlp_metric_order){0};
    mlp_free(old.groups);
    mlp_free(old.sliced);
    mlp_free(old.slots);
    mlp_free(old.next);
}

void mlp_metric_order_clear(mlp_metric_order *order)
{
    if (order->n)
        memset(order->slots, 0, (order->mask + (size_t)1) * sizeof *order->slots);
    order->n = order->n_sliced = order->recent = 0;
}

void mlp_metric_order_next(mlp_metric_order *order)
{
    for (uint32_t i = 0; i < order->n_sliced; i++)
        order->sliced[i]->sliced = false;
    order->n_sliced = 0;
}

static bool same_metric(const mlp_record *a, const mlp_record *b)
{
    return a->key_n == b->key_n && a->run_id_n == b->run_id_n && memcmp(a->key, b->key, a->key_n) == 0 &&
           memcmp(a->run_id, b->run_id, a->run_id_n) == 0;
}

static uint64_t mix(uint64_t h, const char *text, size_t n)
{
    uint64_t word;
    for (; n >= sizeof word; text += sizeof word, n -= sizeof word) {
        memcpy(&word, text, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, text, n);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

/* The group of r's metric. */
static uint32_t find(mlp_metric_order *order, const mlp_record *r)
{
    uint32_t i = (uint32_t)mix(mix(r->key_n, r->key, r->key_n), r->run_id, r->run_id_n) & order->mask;
    while (order->slots[i] && !same_metric(order->groups[order->slots[i] - 1].first, r))
        i = (i + 1) & order->mask;
    if (!order->slots[i]) {
        order->groups[order->n++] = (mlp_metric_group){.first = r};
        order->slots[i] = order->n;
    }
    return order->slots[i] - 1;
}

void mlp_metric_order_add(mlp_metric_order *order, const mlp_record *records, size_t i)
{
    const mlp_record *r = &records[i];
    if (!order->n || !same_metric(order->groups[order->recent].first, r))
        order->recent = find(order, r);
    mlp_metric_group *group = &order->groups[order->recent];
    if (group->sliced)
        order->next[group->tail] = (uint32_t)i;
    else {
        group->head = (uint32_t)i;
        group->sliced = true;
        order->sliced[order->n_sliced++] = group;
    }
    group->tail = (uint32_t)i;
}

static int compare_text(const char *a, size_t a_n, const char *b, size_t b_n)
{
    int order = memcmp(a, b, a_n < b_n ? a_n : b_n);
    return order ? order : (a_n > b_n) - (a_n < b_n);
}

static int by_key_and_run(const void *left, const void *right)
{
    const mlp_record *a = (*(mlp_metric_group *const *)left)->first, *b = (*(mlp_metric_group *const *)right)->first;
    int order = compare_text(a->key, a->key_n, b->key, b->key_n);
    return order ? order : compare_text(a->run_id, a->run_id_n, b->run_id, b->run_id_n);
}

void mlp_metric_order_sort(mlp_metric_order *order)
{
    if (order->n_sliced > 1)
        qsort(order->sliced, order->n_sliced, sizeof *order->sliced, by_key_and_run);
}
