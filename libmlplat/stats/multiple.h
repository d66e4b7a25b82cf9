/* Many p-values at once. */
#ifndef MLP_MULTIPLE_H
#define MLP_MULTIPLE_H
#include <base/err.h>
#include <stddef.h>

typedef enum mlp_multiple {
    MLP_MULTIPLE_NONE,
    MLP_MULTIPLE_BONFERRONI, /* the chance of one false alarm or more, whatever depends on what */
    MLP_MULTIPLE_HOLM,       /* the same with more power (S. Holm 1979) */
    MLP_MULTIPLE_BH,         /* the expected share of false alarms (Y. Benjamini and Y. Hochberg 1995) */
    MLP_MULTIPLE_BY,         /* the same, whatever depends on what (Y. Benjamini and D. Yekutieli 2001) */
} mlp_multiple;

/* The p-values that, compared with alpha one by one, decide as the method does. One that is NaN stays so and does not
 * count. p and adjusted may be one array. MLPLAT_NO_MEMORY. */
mlplat_status mlp_multiple_adjust(mlp_multiple method, const double *p, size_t n, double *adjusted, mlplat_error *err);

#endif
