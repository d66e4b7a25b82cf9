#include "db/pg_table.h"
#include "base/err.h"
#include <dlfcn.h>

#ifdef __APPLE__
#define PG_NAME "libpq.5.dylib"
#else
#define PG_NAME "libpq.so.5"
#endif
#define PG_PLACES                                                                                                      \
    "it comes with the package libpq5 (Debian, Ubuntu), libpq (Fedora, Alpine, Homebrew) or postgresql-libs"

mlplat_status mlp_pg_table_open(const char *name, mlp_pg_table *out, mlplat_error *err)
{
    const char *shown = name ? name : PG_NAME, *missing = NULL;
    /* It stays: the libraries that it brings leave things to run at the end of the process. */
    void *library = dlopen(shown, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    *out = (mlp_pg_table){0};
    if (!library)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "postgresql:// needs %s: " PG_PLACES, shown);
#define TAKE(type, function, arguments)                                                                                \
    if (!(*(void **)&out->function = dlsym(library, "PQ" #function)))                                                  \
        missing = "PQ" #function;
    MLP_PG_FUNCTIONS(TAKE)
#undef TAKE
    dlclose(library);
    return missing ? mlp_fail(err, MLPLAT_UNSUPPORTED, "%s has no %s: libpq 9.2 or newer is needed; " PG_PLACES, shown,
                              missing)
                   : MLPLAT_OK;
}
