/* Our own memory. Every function returns NULL when there is none; sizes of 0 give a pointer that can be freed. */
#ifndef MLP_ALLOC_H
#define MLP_ALLOC_H
#include <stddef.h>

void *mlp_alloc(size_t n);                        /* zeroed */
void *mlp_alloc_array(size_t count, size_t size); /* zeroed; NULL when count * size overflows */
void *mlp_realloc(void *p, size_t n);
void mlp_free(void *p);
char *mlp_strdup(const char *s); /* NULL stays NULL */
char *mlp_strndup(const char *s, size_t n);
char *mlp_sprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
