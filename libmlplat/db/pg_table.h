/*
 * libpq's functions, opened when a store of PostgreSQL is: what is used of it has had the same form since PostgreSQL
 * 9.2, so it is declared here and its headers need not be there.
 */
#ifndef MLP_PG_TABLE_H
#define MLP_PG_TABLE_H
#include <mlplat/error.h>
#include <stddef.h>

typedef struct pg_conn mlp_pg_conn;
typedef struct pg_result mlp_pg_result;

typedef struct mlp_pg_option {
    char *keyword, *envvar, *compiled, *val; /* val NULL: not in the URI */
    char *label, *dispchar;
    int dispsize;
} mlp_pg_option;

/* Values of libpq's enums. */
enum {
    MLP_PG_CONNECTION_OK = 0,
    MLP_PG_POLLING_FAILED = 0,
    MLP_PG_POLLING_READING,
    MLP_PG_POLLING_WRITING,
    MLP_PG_POLLING_OK
};
enum { MLP_PG_COMMAND_OK = 1, MLP_PG_TUPLES_OK = 2 };
enum { MLP_PG_TRANSACTION_IDLE = 0 };

#define MLP_PG_FUNCTIONS(X)                                                                                            \
    X(mlp_pg_option *, conninfoParse, (const char *text, char **why))                                                  \
    X(void, conninfoFree, (mlp_pg_option * options))                                                                   \
    X(void, freemem, (void *memory))                                                                                   \
    X(mlp_pg_conn *, connectStartParams, (const char *const *names, const char *const *values, int expand))            \
    X(int, connectPoll, (mlp_pg_conn * conn))                                                                          \
    X(void, finish, (mlp_pg_conn * conn))                                                                              \
    X(int, status, (const mlp_pg_conn *conn))                                                                          \
    X(int, transactionStatus, (const mlp_pg_conn *conn))                                                               \
    X(int, socket, (const mlp_pg_conn *conn))                                                                          \
    X(int, serverVersion, (const mlp_pg_conn *conn))                                                                   \
    X(char *, errorMessage, (const mlp_pg_conn *conn))                                                                 \
    X(int, setnonblocking, (mlp_pg_conn * conn, int on))                                                               \
    X(void *, setNoticeProcessor, (mlp_pg_conn * conn, void (*fn)(void *user, const char *text), void *user))          \
    X(int, sendQuery, (mlp_pg_conn * conn, const char *sql))                                                           \
    X(int, sendQueryParams,                                                                                            \
      (mlp_pg_conn * conn, const char *sql, int n, const unsigned *types, const char *const *values, const int *sizes, \
       const int *formats, int result_format))                                                                         \
    X(int, sendPrepare, (mlp_pg_conn * conn, const char *name, const char *sql, int n, const unsigned *types))         \
    X(int, sendQueryPrepared,                                                                                          \
      (mlp_pg_conn * conn, const char *name, int n, const char *const *values, const int *sizes, const int *formats,   \
       int result_format))                                                                                             \
    X(int, flush, (mlp_pg_conn * conn))                                                                                \
    X(int, consumeInput, (mlp_pg_conn * conn))                                                                         \
    X(int, isBusy, (mlp_pg_conn * conn))                                                                               \
    X(mlp_pg_result *, getResult, (mlp_pg_conn * conn))                                                                \
    X(int, resultStatus, (const mlp_pg_result *result))                                                                \
    X(char *, resultErrorField, (const mlp_pg_result *result, int field))                                              \
    X(int, ntuples, (const mlp_pg_result *result))                                                                     \
    X(unsigned, ftype, (const mlp_pg_result *result, int column))                                                      \
    X(char *, getvalue, (const mlp_pg_result *result, int row, int column))                                            \
    X(int, getlength, (const mlp_pg_result *result, int row, int column))                                              \
    X(int, getisnull, (const mlp_pg_result *result, int row, int column))                                              \
    X(char *, cmdStatus, (mlp_pg_result * result))                                                                     \
    X(char *, cmdTuples, (mlp_pg_result * result))                                                                     \
    X(void, clear, (mlp_pg_result * result))

typedef struct mlp_pg_table {
#define MLP_PG_MEMBER(type, name, arguments) type(*name) arguments;
    MLP_PG_FUNCTIONS(MLP_PG_MEMBER)
#undef MLP_PG_MEMBER
} mlp_pg_table;

/* name NULL: libpq.so.5. UNSUPPORTED: not there, too old. */
mlplat_status mlp_pg_table_open(const char *name, mlp_pg_table *out, mlplat_error *err);

#endif
