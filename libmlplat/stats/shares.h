/* Distances between two distributions over the same bins or categories, and what to make of many p-values. */
#ifndef MLP_SHARES_H
#define MLP_SHARES_H
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_shares {
    double psi;       /* sum (p - q) log(p / q): population stability index, symmetric */
    double kl;        /* sum p log(p / q), of the first from the second, in nats */
    double js;        /* root of the Jensen-Shannon divergence with logarithms of base 2: 0 to 1 */
    double hellinger; /* root of 1 - sum sqrt(p q) */
    double tvd;       /* half of sum |p - q| */
    double linf;      /* largest |p - q| */
} mlp_shares;

/* What takes the place of an empty bin in psi and kl, which have no value there. */
typedef enum mlp_shares_zero {
    MLP_SHARES_ZERO_EVIDENTLY, /* a share of 1e-4, or a millionth of the smallest where that is 1e-4 or less */
    MLP_SHARES_ZERO_HALF,      /* each bin of both gets half a unit more (Krichevsky and Trofimov) */
} mlp_shares_zero;

/* Of k counts each, both with a sum above 0. */
void mlp_shares_compare(const double *first, const double *second, size_t k, mlp_shares_zero zero, mlp_shares *out);

typedef struct mlp_homogeneity {
    double chi2, g; /* Pearson's, and the likelihood ratio's, of the table of two rows */
    int64_t df;     /* categories that are there in one of them, less 1 */
    double p, g_p;
    double cramers_v, cramers_v_corrected; /* the latter by W. Bergsma 2013 */
} mlp_homogeneity;

/* Are two rows of counts of k categories of one distribution? Neither is taken for exact. Of one category alone p is 1.
 */
void mlp_shares_homogeneity(const double *first, const double *second, size_t k, mlp_homogeneity *out);

/* Two proportions with a pooled variance, two-sided: x1 of n1 and x2 of n2. NaN where nothing varies. */
void mlp_shares_two_proportions(double x1, double n1, double x2, double n2, double *z, double *p);

#endif
