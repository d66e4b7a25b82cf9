/* Options as a program gives them: built against older headers it passes a shorter struct, against newer a longer. */
#ifndef MLP_TAKE_H
#define MLP_TAKE_H
#include <mlplat/error.h>
#include <stddef.h>

/* Copies *from over *to, which has room bytes and was set by init; NULL leaves that. INVALID names what and init. */
mlplat_status mlp_take(void *to, size_t room, const void *from, const char *what, const char *init, mlplat_error *err);

/* MLP_TAKE(&mine, options, MLPLAT_RUN_OPTIONS_INIT, err): mlp_take of a struct; the message calls it as from reads. */
#define MLP_TAKE(to, from, init, err) mlp_take(to, sizeof *(to), from, #from, #init, err)

#endif
