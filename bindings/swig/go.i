/* Typemaps for Go, one per rule of the headers; what they call is C in bindings/go/internal/raw/gocall.c. */
%insert(cgo_comment_typedefs) %{
#include "gocall.h"
%}
%{
#include "gocall.h"
%}

/* ---- statuses and errors: the caller's Call, which also carries the hooks ---------------------------------------- */
%typemap(gotype) mlplat_status "int"
%typemap(out) mlplat_status "$result = (intgo)$1;"
%typemap(goout) mlplat_status ""
%typemap(gotype) mlplat_error *err "*Call"
/* Comes last: a text that was refused stops the call here. */
%typemap(in) mlplat_error *err (mlp_gocall *outer = NULL) {
  $1 = $input;
  if (!mlp_gocall_enter((mlp_gocall *)$input, &outer)) { $cleanup return (intgo)$1->status; }
}
%typemap(freearg) mlplat_error *err "mlp_gocall_leave(outer$argnum);"

/* ---- handles: addresses; the Go package looks after their lives -------------------------------------------------- */
%typemap(gotype) SWIGTYPE * "unsafe.Pointer"
%typemap(in) SWIGTYPE * "$1 = ($1_ltype)$input;"
%typemap(gotype) SWIGTYPE ** "*unsafe.Pointer"
%typemap(in) SWIGTYPE ** "$1 = ($1_ltype)$input;"
%typemap(gotype) void *memory "unsafe.Pointer"
%typemap(in) void *memory "$1 = $input;"

/* ---- text: "" is NULL where it may be left out, raw.Blank is "" -------------------------------------------------- */
%typemap(in) const char * { $1 = ($1_ltype)mlp_gocall_text($input.p, (size_t)$input.n, "$1_name"); }
%typemap(freearg) const char * "free((void *)$1);"
%typemap(gotype) optional_text, optional_path "string"
%typemap(in) optional_text, optional_path {
  $1 = ($1_ltype)mlp_gocall_optional($input.p, (size_t)$input.n, "$1_name");
}
%typemap(freearg) optional_text, optional_path "free((void *)$1);"
%apply optional_text { const char *description, const char *tags, const char *default_json, const char *page_token,
                       const char *status, const char *artifact_path, const char *keys, const char *model_config };
%typemap(gotype) (const char *text, size_t n), (const char *yaml, size_t n) "string"
%typemap(in) (const char *text, size_t n), (const char *yaml, size_t n) {
  $1 = ($1_ltype)$input.p;
  $2 = (size_t)$input.n;
}
%typemap(freearg) (const char *text, size_t n), (const char *yaml, size_t n) ""
%typemap(gotype) (const void *data, size_t n) "[]byte"
%typemap(in) (const void *data, size_t n) {
  $1 = $input.array;
  $2 = (size_t)$input.len;
}
/* What comes out is an address: raw.TakeText copies and frees, raw.Lent copies. */
%typemap(gotype) char **, const char ** "*unsafe.Pointer"
%typemap(in) char **, const char ** "$1 = ($1_ltype)$input;"
%typemap(freearg) char **, const char ** ""

/* Lists of words: one string, see raw.Words. */
%define TEXTS(POINTER, COUNT)
%typemap(gotype) (POINTER, COUNT) "string"
%typemap(in) (POINTER, COUNT) (mlp_gowords words = {0}) {
  mlp_gocall_words($input.p, (size_t)$input.n, "$1_name", &words);
  $1 = ($1_ltype)words.array;
  $2 = ($2_ltype)words.n;
}
%typemap(freearg) (POINTER, COUNT) "mlp_gocall_words_free(&words$argnum);"
%enddef
TEXTS(const char *const *argv, size_t argc)
%typemap(gotype) const char *const *program "string"
%typemap(in) const char *const *program (mlp_gowords words = {0}) {
  mlp_gocall_words($input.p, (size_t)$input.n, "$1_name", &words);
  $1 = ($1_ltype)words.array;
}
%typemap(freearg) const char *const *program "mlp_gocall_words_free(&words$argnum);"
%typemap(gotype) (int argc, char **argv) "string"
%typemap(in) (int argc, char **argv) (mlp_gowords words = {0}) {
  mlp_gocall_words($input.p, (size_t)$input.n, "argv", &words);
  $1 = (int)words.n;
  $2 = words.array;
}
%typemap(freearg) (int argc, char **argv) "mlp_gocall_words_free(&words$argnum);"
%typemap(gotype) (const mlplat_port *ports, size_t n_ports) "string"
%typemap(in) (const mlplat_port *ports, size_t n_ports) (mlp_goports ports = {0}) {
  mlp_gocall_ports($input.p, (size_t)$input.n, &ports);
  $1 = ports.array;
  $2 = ports.n;
}
%typemap(freearg) (const mlplat_port *ports, size_t n_ports) "mlp_gocall_ports_free(&ports$argnum);"

/* ---- numbers and choices ----------------------------------------------------------------------------------------- */
%typemap(gotype) int "int32"
%typemap(gotype) int64_t *, const int64_t * "*int64"
%typemap(in) int64_t *, const int64_t * "$1 = ($1_ltype)$input;"
%typemap(gotype) double * "*float64"
%typemap(gotype) int *out "*int32"
%typemap(in) double *, int *out "$1 = ($1_ltype)$input;"
%typemap(gotype) enum SWIGTYPE "int32"
%typemap(in) enum SWIGTYPE "$1 = ($1_ltype)$input;"
%typemap(gotype) mlplat_spool_counts *out "*SpoolCounts"
%typemap(in) mlplat_spool_counts *out "$1 = $input; $1->size = sizeof *$1;"
/* Spans go in without a copy; nil is NULL. */
%define SPAN(CTYPE, GOTYPE)
%typemap(gotype) const CTYPE *values, const CTYPE *steps, const CTYPE *timestamps_ms "[]" GOTYPE
%typemap(in) const CTYPE *values, const CTYPE *steps, const CTYPE *timestamps_ms "$1 = ($1_ltype)$input.array;"
%enddef
SPAN(int64_t, "int64")
SPAN(double, "float64")

/* Lines of a plot: see raw.Lines. A span that may be empty goes in as one that must not. */
%typemap(gotype) (const mlplat_plot_series *series, size_t n_series) "[]PlotSeries"
%typemap(in) (const mlplat_plot_series *series, size_t n_series) {
  $1 = $input.array;
  $2 = (size_t)$input.len;
}

/* ---- callbacks: all go through the call that is going on --------------------------------------------------------- */
%typemap(in, numinputs=0) (mlplat_progress progress, void *user) { $1 = mlp_gocall_own_progress(); $2 = NULL; }
%typemap(in, numinputs=0) (mlplat_write write, void *user) { $1 = mlp_gocall_write; $2 = NULL; }
%typemap(gotype) (mlplat_component_fn fn, void *user) "uintptr"
%typemap(in) (mlplat_component_fn fn, void *user) { $1 = mlp_gocall_component; $2 = (void *)$input; }
%typemap(gotype) uintptr_t "uintptr"
%typemap(in) uintptr_t "$1 = (uintptr_t)$input;"

/* Logging calls are calls like others: Go has no lock to keep. */
%define LOGGING(name, blocks)
%enddef
