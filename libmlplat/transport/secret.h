/* Texts that nobody else may see. They are never printed and are wiped before their memory is given back. */
#ifndef MLP_SECRET_H
#define MLP_SECRET_H
#include "base/buf.h"
#include <stdbool.h>

void mlp_secret_free(char *text);                     /* wiped; NULL is fine */
void mlp_secret_clear(mlp_buf *text);                 /* wiped and freed */
bool mlp_secret_same(const char *a, const char *b);   /* also two NULL */
char *mlp_secret_base64(const char *text);            /* as of "user:password"; NULL: no memory */
void mlp_secret_hide(char *text, const char *secret); /* in place: *** wherever it stands */
/* Whether it can stand in a header: no byte below 0x20 and no 0x7f, which would begin another line. */
bool mlp_secret_fits_header(const char *text);

#endif
