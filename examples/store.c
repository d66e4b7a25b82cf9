/*
 * The store in one page: made where it is not there yet. It needs no server:
 *
 *     cc store.c $(pkg-config --cflags --libs mlplat) -o store && ./store
 */
#include <mlplat.h>
#include <stdio.h>

int main(void)
{
    mlplat *ml = NULL;
    mlplat_doc *made = NULL;
    mlplat_error err = {0};
    mlplat_status s = mlplat_open(NULL, &ml, &err);
    if (s == MLPLAT_OK)
        s = mlplat_store_create(ml, NULL, &made, &err);
    if (s == MLPLAT_OK)
        printf("%s\n", mlplat_doc_text(made));
    else
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    mlplat_doc_free(made);
    mlplat_close(ml);
    return s == MLPLAT_OK ? 0 : 1;
}
