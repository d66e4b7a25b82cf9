#include "pipelines/pipeline_graph.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

/* Room for one more of size bytes each. */
static mlplat_status grow(void **items, size_t n, size_t *cap, size_t size, mlplat_error *err)
{
    if (n < *cap)
        return MLPLAT_OK;
    size_t more = *cap ? *cap * 2 : 4;
    void *bigger = mlp_realloc(*items, more * size);
    if (!bigger)
        return mlp_fail_memory(err);
    *items = bigger;
    *cap = more;
    return MLPLAT_OK;
}

mlplat_status mlp_graph_add(mlp_graph *g, mlplat_error *err)
{
    void *nodes = g->nodes;
    mlplat_status s = grow(&nodes, g->n, &g->cap, sizeof *g->nodes, err);
    g->nodes = nodes;
    if (s == MLPLAT_OK)
        g->nodes[g->n++] = (mlp_graph_node){0};
    return s;
}

mlplat_status mlp_graph_link(mlp_graph *g, size_t node, size_t dep, mlplat_error *err)
{
    mlp_graph_node *from = &g->nodes[node];
    void *deps = from->deps;
    mlplat_status s = grow(&deps, from->n, &from->cap, sizeof *from->deps, err);
    from->deps = deps;
    if (s == MLPLAT_OK) {
        from->deps[from->n++] = dep;
        g->nodes[dep].users++;
    }
    return s;
}

void mlp_graph_unlink(mlp_graph *g, size_t node, size_t dep)
{
    mlp_graph_node *from = &g->nodes[node];
    for (size_t i = 0; i < from->n; i++) {
        if (from->deps[i] != dep)
            continue;
        memmove(from->deps + i, from->deps + i + 1, (from->n - i - 1) * sizeof *from->deps);
        from->n--;
        g->nodes[dep].users--;
        return;
    }
}

bool mlp_graph_linked(const mlp_graph *g, size_t node, size_t dep)
{
    for (size_t i = 0; i < g->nodes[node].n; i++)
        if (g->nodes[node].deps[i] == dep)
            return true;
    return false;
}

/* Walks from dep towards what it needs; node there means that the new link closes a circle. */
static bool walk(const mlp_graph *g, size_t node, size_t *stack, char *seen)
{
    size_t top = 1;
    while (top > 0) {
        const mlp_graph_node *at = &g->nodes[stack[--top]];
        for (size_t i = 0; i < at->n; i++) {
            size_t next = at->deps[i];
            if (next == node)
                return true;
            if (!seen[next]) {
                seen[next] = 1;
                stack[top++] = next;
            }
        }
    }
    return false;
}

mlplat_status mlp_graph_closes(const mlp_graph *g, size_t node, size_t dep, bool *cycle, mlplat_error *err)
{
    *cycle = node == dep;
    if (*cycle || g->nodes[node].users == 0)
        return MLPLAT_OK; /* nobody needs node yet, so nothing can lead back to it */
    size_t *stack = mlp_alloc_array(g->n, sizeof *stack);
    char *seen = mlp_alloc(g->n);
    mlplat_status s = stack && seen ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        stack[0] = dep;
        seen[dep] = 1;
        *cycle = walk(g, node, stack, seen);
    }
    mlp_free(stack);
    mlp_free(seen);
    return s;
}

mlplat_status mlp_graph_turn(const mlp_graph *g, mlp_graph_users *out, mlplat_error *err)
{
    size_t links = 0;
    for (size_t i = 0; i < g->n; i++)
        links += g->nodes[i].n;
    out->first = mlp_alloc_array(g->n, sizeof *out->first);
    out->of = mlp_alloc_array(links, sizeof *out->of);
    if (!out->first || !out->of) {
        mlp_graph_users_free(out);
        return mlp_fail_memory(err);
    }
    for (size_t i = 0, at = 0; i < g->n; at += g->nodes[i++].users)
        out->first[i] = at;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->nodes[i].n; k++)
            out->of[out->first[g->nodes[i].deps[k]]++] = i;
    for (size_t i = 0; i < g->n; i++)
        out->first[i] -= g->nodes[i].users;
    return MLPLAT_OK;
}

void mlp_graph_users_free(mlp_graph_users *users)
{
    mlp_free(users->first);
    mlp_free(users->of);
    *users = (mlp_graph_users){0};
}

mlplat_status mlp_graph_order(const mlp_graph *g, size_t *order, size_t *ordered, mlplat_error *err)
{
    mlp_graph_users users = {0};
    size_t *missing = mlp_alloc_array(g->n, sizeof *missing);
    mlplat_status s = missing ? mlp_graph_turn(g, &users, err) : mlp_fail_memory(err);
    *ordered = 0;
    for (size_t i = 0; s == MLPLAT_OK && i < g->n; i++)
        if ((missing[i] = g->nodes[i].n) == 0)
            order[(*ordered)++] = i;
    for (size_t done = 0; s == MLPLAT_OK && done < *ordered; done++)
        for (size_t k = 0; k < g->nodes[order[done]].users; k++) {
            size_t user = users.of[users.first[order[done]] + k];
            if (--missing[user] == 0)
                order[(*ordered)++] = user;
        }
    mlp_graph_users_free(&users);
    mlp_free(missing);
    return s;
}

void mlp_graph_free(mlp_graph *g)
{
    for (size_t i = 0; i < g->n; i++)
        mlp_free(g->nodes[i].deps);
    mlp_free(g->nodes);
    *g = (mlp_graph){0};
}
