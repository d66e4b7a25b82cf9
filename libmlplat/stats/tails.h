/* Tail probabilities of the classic distributions. Each is right to 1e-13 of its value, however small it is; where it
 * has no double any more, its natural logarithm has (the _log ones). NaN for what is no argument.
 *
 * Inside is long double: 64 bits of mantissa on x86, 113 in software on arm64, 53 where it is a double (macOS on
 * arm64), where some digits less are right. */
#ifndef MLP_TAILS_H
#define MLP_TAILS_H

/* P(Z > z). */
double mlp_normal_sf(double z);
double mlp_normal_sf_log(double z);
/* The z with P(Z <= z) = p; -inf and inf for 0 and 1. */
double mlp_normal_quantile(double p);

/* Regularised incomplete gamma functions, P(a, x) and Q = 1 - P. a > 0, x >= 0. NIST DLMF 8.11.4, 8.9.2. */
double mlp_gamma_p(double a, double x);
double mlp_gamma_q(double a, double x);
double mlp_gamma_q_log(double a, double x);
/* P(X > x) of chi-square with df > 0 degrees of freedom; of df 0 it is 0 at x > 0 and 1 at x = 0. */
double mlp_chi2_sf(double x, double df);
double mlp_chi2_sf_log(double x, double df);

/* Regularised incomplete beta function I_x(a, b), y = 1 - x. a, b > 0. NIST DLMF 8.17.22. */
double mlp_beta_i(double x, double y, double a, double b);
double mlp_beta_i_log(double x, double y, double a, double b);
/* P(|T| > |t|) of Student's t, df > 0. */
double mlp_t_sf2(double t, double df);
double mlp_t_sf2_log(double t, double df);
/* P(F > f), df1, df2 > 0. */
double mlp_f_sf(double f, double df1, double df2);
double mlp_f_sf_log(double f, double df1, double df2);

#endif
