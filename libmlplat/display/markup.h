/*
 * Writing HTML and SVG: text of users in, ASCII markup out. All append to a buffer, whose failure sticks.
 *
 * Limits are in characters: what is longer is cut and ends with an ellipsis. Characters that would not show, or would
 * change how others show (controls, marks of writing direction), are made visible.
 */
#ifndef MLP_MARKUP_H
#define MLP_MARKUP_H
#include "base/json.h"
#include <stdint.h>

enum {
    MLP_MARKUP_NAME = 60,   /* characters of a name or a key */
    MLP_MARKUP_VALUE = 120, /* of a value */
    MLP_MARKUP_HINT = 400   /* of the whole value that shows where the pointer rests */
};

void mlp_markup_text(mlp_buf *out, const char *s, size_t limit); /* also fit for the inside of "an attribute" */
/* The text, and if it was cut a title with more of it: <span title="...">. */
void mlp_markup_value(mlp_buf *out, const char *s, size_t limit);
size_t mlp_markup_width(const char *s, size_t limit); /* about how many letters wide that is */

void mlp_markup_number(mlp_buf *out, double value);     /* at most 6 digits that count */
void mlp_markup_time(mlp_buf *out, int64_t ms);         /* 2026-11-27 14:05:09 UTC, nothing if it is no time */
void mlp_markup_duration(mlp_buf *out, double seconds); /* 42 ms, 3.1 s, 2 min 5 s, 3 h 12 min */
void mlp_markup_state(mlp_buf *out, const char *state); /* a coloured word */
const char *mlp_markup_state_colour(const char *state);

/* Members of documents that may be of any shape: "" and 0 if they are not there. Lent. */
const char *mlp_markup_string(const json_t *object, const char *key);
int64_t mlp_markup_int(const json_t *object, const char *key);
bool mlp_markup_double(const json_t *object, const char *key, double *value); /* "NaN" and the like, too */
const char *mlp_markup_pair(const json_t *list, const char *key); /* of [{"key", "value"}]; NULL: it is not there */

/* ---- the page: <div class="mlplat"> ... </div> within MLPLAT_HTML_LIMIT. */

void mlp_markup_begin(mlp_buf *out);
/* Kind of thing, its name, its state (may be ""), its id (may be ""). */
void mlp_markup_heading(mlp_buf *out, const char *kind, const char *name, const char *state, const char *id);
void mlp_markup_fact(mlp_buf *out, const char *label, const char *value); /* nothing if value is "" */
void mlp_markup_section(mlp_buf *out, const char *title, size_t count);   /* count 0: none is shown */
/* A piece that is whole or left out: appended if reserve more bytes still fit below the limit. */
bool mlp_markup_fits(mlp_buf *out, const mlp_buf *piece, size_t reserve);
void mlp_markup_more(mlp_buf *out, size_t count, const char *what); /* "and 12 more runs"; nothing for 0 */
/* [{"key", "value"}] as a table, folded if it is not open; hidden tells which keys are not shown, NULL: none. */
void mlp_markup_pairs(mlp_buf *out, const char *title, const json_t *list, bool open, size_t reserve,
                      bool (*hidden)(const char *key));
/* Ends the page and gives its text to the caller, unless s says that something failed; frees out either way. */
mlplat_status mlp_markup_finish(mlp_buf *out, mlplat_status s, char **text, mlplat_error *err);

#endif
