/* The words of MLflow's search language, cut as MLflow cuts them (it reads filters with an SQL lexer). */
#ifndef MLP_SEARCH_LEX_H
#define MLP_SEARCH_LEX_H
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum mlp_search_word_kind {
    MLP_SEARCH_END,
    MLP_SEARCH_NAME,    /* parts joined by dots; a part may stand in backticks or quotes, the last one may be missing */
    MLP_SEARCH_TEXT,    /* 'in single quotes' */
    MLP_SEARCH_INTEGER, /* 12, -3 */
    MLP_SEARCH_REAL,    /* 1.5, .5, 5., 1e-3 */
    MLP_SEARCH_SIGN     /* = != < <= > >= ( ) , and what is none of these */
} mlp_search_word_kind;

typedef struct mlp_search_word {
    mlp_search_word_kind kind;
    const char *at;
    size_t n;
} mlp_search_word;

typedef struct mlp_search_lex {
    const char *what; /* "filter" or "order_by", for messages */
    const char *text, *next;
    mlp_search_word word; /* the current one */
} mlp_search_lex;

mlplat_status mlp_search_lex_start(mlp_search_lex *lex, const char *what, const char *text, mlplat_error *err);
mlplat_status mlp_search_lex_next(mlp_search_lex *lex, mlplat_error *err);
/* Goes on at a place behind the current word. */
mlplat_status mlp_search_lex_skip(mlp_search_lex *lex, const char *to, mlplat_error *err);
/* The current word, any case: a keyword or a sign. */
bool mlp_search_lex_is(const mlp_search_lex *lex, const char *word);
/* INVALID "<what>, character N, at <the word>: <why>". */
mlplat_status mlp_search_lex_fail(const mlp_search_lex *lex, const char *why, mlplat_error *err);
/* The same for a place. */
mlplat_status mlp_search_lex_fail_at(const mlp_search_lex *lex, const char *at, const char *why, mlplat_error *err);

#endif
