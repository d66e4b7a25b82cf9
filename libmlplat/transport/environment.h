/* Variables of the environment, with MLflow's rules of what they mean. Empty is not set; blanks around do not count. */
#ifndef MLP_ENVIRONMENT_H
#define MLP_ENVIRONMENT_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stdint.h>

const char *mlp_environment(const char *name); /* NULL: not set; lent until the environment changes */
/* true, false, 1 or 0 in any case; *out stays where it is not set. INVALID: something else. */
mlplat_status mlp_environment_flag(const char *name, bool *out, mlplat_error *err);
/* A whole number between least and most. */
mlplat_status mlp_environment_number(const char *name, int64_t least, int64_t most, int64_t *out, mlplat_error *err);

#endif
