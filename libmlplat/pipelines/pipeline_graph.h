/* Who needs whom: nodes by number, links to what must come first. The same link may be there several times. */
#ifndef MLP_PIPELINE_GRAPH_H
#define MLP_PIPELINE_GRAPH_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mlp_graph_node {
    size_t *deps;
    size_t n, cap;
    size_t users; /* links that lead here */
} mlp_graph_node;

typedef struct mlp_graph {
    mlp_graph_node *nodes;
    size_t n, cap;
} mlp_graph;

mlplat_status mlp_graph_add(mlp_graph *g, mlplat_error *err); /* one node more, number g->n - 1 */
mlplat_status mlp_graph_link(mlp_graph *g, size_t node, size_t dep, mlplat_error *err);
void mlp_graph_unlink(mlp_graph *g, size_t node, size_t dep); /* one of its links */
bool mlp_graph_linked(const mlp_graph *g, size_t node, size_t dep);
/* *cycle: would node <- dep close a circle? */
mlplat_status mlp_graph_closes(const mlp_graph *g, size_t node, size_t dep, bool *cycle, mlplat_error *err);
/* All nodes, each after what it needs, else in their own order. *ordered < g->n: the others hang on a circle. */
mlplat_status mlp_graph_order(const mlp_graph *g, size_t *order, size_t *ordered, mlplat_error *err);
void mlp_graph_free(mlp_graph *g);

/* The links turned round: of[first[d]] ... of[first[d] + users of d - 1] are the nodes that need d. */
typedef struct mlp_graph_users {
    size_t *first, *of;
} mlp_graph_users;
mlplat_status mlp_graph_turn(const mlp_graph *g, mlp_graph_users *out, mlplat_error *err);
void mlp_graph_users_free(mlp_graph_users *users);

#endif
