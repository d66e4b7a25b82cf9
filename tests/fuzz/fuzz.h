/*
 * What fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: with clang it is linked to libFuzzer,
 * which makes up bytes; else to corpus_replay.c, which reads them from files. fuzz_check tells what must hold for any
 * bytes.
 */
#ifndef FUZZ_H
#define FUZZ_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv); /* where a target defines it, before the first bytes */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_check(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz_fail(__FILE__, __LINE__, #condition);                                                                 \
    } while (0)

_Noreturn static inline void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* The status is one of a parser, and whoever asks (err is not NULL) is told why: text that can be shown. */
static inline bool fuzz_refused(mlplat_status s, const mlplat_error *err)
{
    size_t n = err ? strnlen(err->message, sizeof err->message) : 0;
    return s != MLPLAT_OK && s != MLPLAT_NO_MEMORY && (!err || (err->status == s && n > 0 && n < sizeof err->message));
}

/* What is left of the bytes. Numbers and texts are taken from the front, so that small changes stay small. */
typedef struct fuzz_input {
    const uint8_t *at;
    size_t n;
} fuzz_input;

static inline unsigned fuzz_byte(fuzz_input *in)
{
    unsigned value = in->n ? *in->at : 0;
    in->at += in->n != 0;
    in->n -= in->n != 0;
    return value;
}

/* The bytes up to the next NUL, or all that are left, as a string in memory of just that size: free. */
static inline char *fuzz_text(fuzz_input *in)
{
    const uint8_t *end = in->n ? memchr(in->at, 0, in->n) : NULL;
    size_t n = end ? (size_t)(end - in->at) : in->n;
    char *text = malloc(n + 1);
    if (!text)
        abort();
    if (n)
        memcpy(text, in->at, n);
    text[n] = 0;
    in->at += end ? n + 1 : n;
    in->n -= end ? n + 1 : n;
    return text;
}

/* For checks that are too slow for every input: the same inputs each time, one in `in`. */
static inline bool fuzz_now_and_then(const uint8_t *data, size_t size, unsigned in)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return (hash >> 8) % in == 0;
}

/* Where an error goes: making its words takes longer than most parsers, so they are asked for now and then. */
static inline mlplat_error *fuzz_error(const uint8_t *data, size_t size)
{
    static mlplat_error err;
    memset(&err, 0, sizeof err);
    return fuzz_now_and_then(data, size, 16) ? &err : NULL;
}

#endif
