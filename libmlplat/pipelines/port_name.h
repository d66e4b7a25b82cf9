/* Names: KFP's sanitising and what may be a name at all. */
#ifndef MLP_PORT_NAME_H
#define MLP_PORT_NAME_H
#include <mlplat/error.h>
#include <stdbool.h>

/* Lower case, runs of anything but [-0-9a-z] to "-", squeezed and trimmed. "" if nothing is left, NULL: no memory. */
char *mlp_port_name_sanitise(const char *name);
bool mlp_port_name_pipeline(const char *name); /* ^[a-z0-9][a-z0-9-]{0,127}$ */
/* [A-Za-z_][A-Za-z0-9_-]*, at most 128 bytes; what says of which thing: "input of component 'train'". */
mlplat_status mlp_port_name_check(const char *name, const char *what, mlplat_error *err);
/* A name from a document that will be part of a path: no slash, no control character, not "." nor "..", at most 200. */
bool mlp_port_name_safe(const char *name);

#endif
