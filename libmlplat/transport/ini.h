/* INI files as Python's configparser reads them, which is what MLflow reads ~/.mlflow/credentials with. */
#ifndef MLP_INI_H
#define MLP_INI_H
#include <mlplat/error.h>
#include <stddef.h>

/* The value of a key (lower case) in a section, else in [DEFAULT]; *out stays NULL where it is in neither. Yours, with
 * mlp_secret_free. INVALID with the number of the line: no section yet, no "=" or ":", something that is there twice,
 * a value that refers to another. The text must end with a NUL. */
mlplat_status mlp_ini_find(const char *text, const char *section, const char *key, char **out, mlplat_error *err);

#endif
