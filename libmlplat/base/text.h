/* Text: UTF-8, small checks, hex, percent coding. */
#ifndef MLP_TEXT_H
#define MLP_TEXT_H
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool mlp_text_utf8(const char *s, size_t n); /* valid, shortest form, no surrogates */
void mlp_text_put(mlp_buf *out, uint32_t code); /* a code point as UTF-8 */
void mlp_text_repair(char *s);         /* in place: "?" for bytes that are not UTF-8, " " for control characters */
size_t mlp_text_length(const char *s); /* code points of valid UTF-8 */
size_t mlp_text_cut(const char *s, size_t codepoints); /* bytes of its first code points */
char *mlp_text_last(const char *s, char c, size_t n); /* where c is last within n bytes; NULL: nowhere */
bool mlp_text_starts(const char *s, const char *prefix);
bool mlp_text_ends(const char *s, const char *suffix);
void mlp_text_hex(const void *data, size_t n, char *out /* 2n+1 */);
bool mlp_text_int64(const char *s, int64_t *out); /* whole text, decimal */
/* Whole text, as C writes decimals, in any locale; no "nan", "inf" or hex. */
bool mlp_text_to_double(const char *s, double *out);
/* The shortest text that reads back equal, as Python's repr; NaN, Infinity, -Infinity. */
void mlp_text_double(double v, char out[32]);
void mlp_text_quote(mlp_buf *out, const char *s, size_t limit); /* 'text', printable and cut, for messages */
char *mlp_text_unpercent(const char *s); /* decoded; NULL: no memory; broken escapes and %00 stay as they are */
void mlp_text_percent_some(mlp_buf *out, const char *s, const char *unsafe); /* these alone become %XX */
void mlp_text_percent(mlp_buf *out, const char *s, const char *safe); /* RFC 3986 unreserved + safe stay */

#endif
