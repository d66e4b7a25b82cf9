/* The command line: one table of commands makes parsing, help and the pages. Public headers only. */
#ifndef CLI_H
#define CLI_H
#include <mlplat.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes, as docs/errors.md has them. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_DENIED = 4,
    CLI_TRY_AGAIN = 5,
    CLI_CONFLICT = 6,
    CLI_SAID_NO = 7,
    CLI_INTERRUPTED = 130
};

enum { CLI_MAX_ARGS = 64, CLI_MAX_OPTIONS = 64 };

typedef struct cli_option {
    const char *name; /* without the dashes */
    const char *arg;  /* "NAME"; NULL: a flag */
    const char *help;
} cli_option;

typedef struct cli cli;

typedef struct cli_command {
    const char *words;         /* "run list" */
    const char *args;          /* "RUN_ID [KEY]", "..." at the end for any number more */
    const char *help;          /* one line */
    const char *example;       /* without "mlplat " */
    const cli_option *options; /* ends with name NULL; NULL: none */
    int (*run)(cli *c);
} cli_command;

typedef enum cli_format { CLI_TABLE, CLI_JSON, CLI_YAML, CLI_TSV, CLI_HTML } cli_format;

struct cli {
    const cli_command *command;
    const char *args[CLI_MAX_ARGS];
    int n_args;
    struct {
        const char *name, *value;
    } options[CLI_MAX_OPTIONS]; /* in the order given */
    int n_options;
    cli_format format;
    bool quiet;
    bool stopped; /* the interrupt was told to the library */
    bool until_stopped; /* an interrupt is how the command ends: its own exit code counts */
    mlplat *ml;
    mlplat_error err;
};

/* Tables, one per module; each ends with words NULL. */
extern const cli_command cli_tracking_commands[];
extern const cli_command cli_values_commands[];
extern const cli_command cli_logged_commands[];
extern const cli_command cli_media_commands[];
extern const cli_command cli_model_commands[];
extern const cli_command cli_registry_commands[];
extern const cli_command cli_prompt_commands[];
extern const cli_command cli_webhook_commands[];
extern const cli_command cli_artifacts_commands[];
extern const cli_command cli_store_commands[];
extern const cli_command cli_pipelines_commands[];
extern const cli_command cli_display_commands[];
extern const cli_command cli_session_commands[];
extern const cli_command *const cli_tables[]; /* all of these, ends with NULL */
extern const cli_option cli_global_options[];

/* cli_parse.c */
int cli_parse(cli *c, int argc,
              char **argv); /* 0, or the exit code with the words said; command NULL: help was asked */
const char *cli_get(const cli *c, const char *option); /* the last value given; NULL: not given; "" for a flag */
/* A JSON object of all "--option key=value"; *out is malloc'd, NULL if there are none. Returns an exit code. */
int cli_pairs(cli *c, const char *option, char **out);
int cli_get_int(cli *c, const char *option, int64_t *out); /* keeps *out if not given; an exit code */
int cli_get_small(cli *c, const char *option, int *out); /* likewise; the nearest int: the library says what is right */
int cli_get_search(cli *c, mlplat_search *out); /* --filter, --order-by, --max and --page-token; an exit code */

/* What is found among the arguments of a call that may be half written; the words of a command may be those that
 * MLflow's command line has. */
const cli_command *cli_find_command(char *const *words, int n, int *used);
const cli_option *cli_find_option(const cli_command *of, const char *name, size_t n); /* NULL: of any command */
bool cli_is_option(const char *arg); /* "-5" is a value, not an option: a metric may be negative */
int cli_given(const cli *c, const char *option); /* how often */

/* Other words for commands; ends with NULL. */
typedef struct cli_alias {
    const char *words, *command;
} cli_alias;
extern const cli_alias cli_aliases[];

/* cli_complete.c: prints what may follow the last of the words, for the scripts in completion/. */
int cli_complete(int n, char **words);

/* The scripts in completion/; ends with NULL. Made by CMake. */
typedef struct cli_script {
    const char *shell, *text;
} cli_script;
extern const cli_script cli_scripts[];

/* cli_man.c: a page of the manual as roff: of a group of commands, or of the whole for NULL. */
int cli_man(const char *group);

/* run_tail.c, run_diff.c */
int cli_run_tail(cli *c);
int cli_run_diff(cli *c);

/* spool_follow.c */
int cli_spool_follow(cli *c);

/* cmd_display.c: prints the page of a document; an exit code. */
int cli_html(cli *c, const mlplat_doc *doc);

/* cmd_tracking.c: what is done to the run args[0] names, through its handle. The records are in the store, or refused
 * aloud, when it returns. */
int cli_with_run(cli *c, mlplat_status (*act)(cli *c, mlplat_run *run));

/* cli_help.c */
typedef struct cli_group {
    const char *name, *help; /* "run", one line */
} cli_group;
extern const cli_group cli_groups[]; /* in the order in which they are shown; ends with NULL */
extern const char *const cli_exit_codes[]; /* "0 ok", ... NULL */
int cli_help(const char *const *words, int n);
int cli_help_all(cli *c);                       /* every command, one a line */
bool cli_begins(const char *word);              /* some command begins with it */
const char *cli_suggest(const char *words);     /* the nearest command; NULL: none is near */
int cli_no_command(const char *words);          /* says so, and which one may be meant */
int cli_distance(const char *a, const char *b); /* letters to insert, drop or change; 99 for long texts */

/* cli_session.c */
int cli_open(cli *c);                         /* an exit code */
int cli_result(cli *c, mlplat_status status); /* says c->err if it is not OK, and gives the exit code */
int cli_exit_code(mlplat_status status);
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool cli_interrupted(void);
void cli_catch(int signal_number); /* interrupts as SIGINT does; a second one ends the program at once */

/* cli_output.c: all take and free the document. columns: "NAME=path,NAME=path" for table and tsv; a path that begins
 * with
 * "@" is a time in milliseconds, which a table shows for people. */
int cli_print(cli *c, mlplat_doc *doc, const char *columns);
int cli_print_list(cli *c, mlplat_doc *doc, const char *list, const char *columns);
/* A table and tsv show the member alone. */
int cli_print_value(cli *c, mlplat_doc *doc, const char *member);
/* Pairs of key and value, NULL ends; a table shows the first value alone. */
int cli_print_pairs(cli *c, ...);
/* The code, or CLI_FAILED if standard output could not be written: a full disk behind a redirection must not look like
 * success. */
int cli_written(int code);
/* A growing string; data is malloc'd. Running out of memory ends the program with a word. */
typedef struct cli_text {
    char *data;
    size_t n;
} cli_text;
void cli_text_add(cli_text *text, const char *s, size_t n);
void cli_text_quote(cli_text *text, const char *s, size_t n); /* as a JSON string */
int cli_read(const char *path, cli_text *out);                /* a whole file, "-": standard input; an exit code */

#endif
