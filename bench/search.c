/* Searches from C: bench_search URI EXPERIMENT_IDS FILTER ORDER_BY PAGE ROUNDS prints the median time of one, in ms. */
#include <mlplat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MOST = 1000 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static mlplat_status search(mlplat *ml, const mlplat_search *query, double *ms, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    double begin = now_ms();
    mlplat_status s = mlplat_run_search(ml, query, &doc, err);
    *ms = now_ms() - begin;
    mlplat_doc_free(doc);
    return s;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fputs("bench_search URI EXPERIMENT_IDS FILTER ORDER_BY PAGE ROUNDS\n", stderr);
        return 2;
    }
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    double times[ROUNDS_MOST], first = 0;
    int rounds = atoi(argv[6]);
    options.tracking_uri = argv[1];
    query.experiment_ids = argv[2];
    query.filter = *argv[3] ? argv[3] : NULL;
    query.order_by = *argv[4] ? argv[4] : NULL;
    query.max_results = atoi(argv[5]);
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MOST ? ROUNDS_MOST : rounds;
    mlplat_status s = mlplat_open(&options, &ml, &err);
    if (s == MLPLAT_OK)
        s = search(ml, &query, &first, &err);
    for (int i = 0; s == MLPLAT_OK && i < rounds; i++)
        s = search(ml, &query, &times[i], &err);
    mlplat_close(ml);
    if (s != MLPLAT_OK) {
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
        return 1;
    }
    qsort(times, (size_t)rounds, sizeof *times, by_size);
    printf("{\"first_ms\": %.3f, \"median_ms\": %.3f}\n", first, times[rounds / 2]);
    return 0;
}
