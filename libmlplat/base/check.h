/* Checks of names and keys that all modules share, with MLflow's decisions. All answer INVALID; what names the thing in
 * the message ("metric key"). */
#ifndef MLP_CHECK_H
#define MLP_CHECK_H
#include <mlplat/error.h>
#include <stddef.h>
#include <stdint.h>

/* Fails with "<what> <text, quoted and cut>: <why>". */
mlplat_status mlp_check_refuse(const char *what, const char *text, const char *why, mlplat_error *err);
mlplat_status mlp_check_text(const char *what, const char *text, mlplat_error *err); /* there, and UTF-8 */
mlplat_status mlp_check_length(const char *what, const char *text, size_t most, mlplat_error *err); /* in characters */
/* A key of a metric, param or tag: characters, a clean relative path, length. */
enum { MLP_CHECK_KEY_MOST = 250 };
mlplat_status mlp_check_key(const char *what, const char *key, mlplat_error *err);
mlplat_status mlp_check_run_id(const char *id, mlplat_error *err);
/* The next code point of valid UTF-8; *at moves behind it. */
uint32_t mlp_check_next_char(const unsigned char **at);

#endif
