/* Names that must never lead out of a root: what a listing, a database or a user could say. */
#ifndef TEST_HOSTILE_NAMES_H
#define TEST_HOSTILE_NAMES_H
#include <stddef.h>

/* The i-th of them, in memory that the next call reuses; NULL after the last. */
const char *hostile_name(size_t i);

#endif
