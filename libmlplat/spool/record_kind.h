/* Kinds of records by name, as people see them. */
#ifndef MLP_RECORD_KIND_H
#define MLP_RECORD_KIND_H
#include "spool/spool.h"

const char *mlp_record_kind_name(mlp_record_kind kind);
bool mlp_record_kind_of(const char *name, mlp_record_kind *out); /* false: there is no such kind */

#endif
