#include "spool/record_kind.h"
#include <string.h>

static const char *const names[] = {"metric",  "tag",  "param",  "untag",   "update",
                                    "inputs", "outputs", "note", "create", "artifact"};
_Static_assert(sizeof names / sizeof names[0] == MLP_RECORD_LAST, "every kind has a name");

const char *mlp_record_kind_name(mlp_record_kind kind)
{
    return names[kind - 1];
}

bool mlp_record_kind_of(const char *name, mlp_record_kind *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *out = (mlp_record_kind)(i + 1);
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}
