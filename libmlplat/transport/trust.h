/* Whom we trust on TLS connections, and with which certificate we come ourselves. */
#ifndef MLP_TRUST_H
#define MLP_TRUST_H
#include <mlplat/error.h>
#include <stdbool.h>

typedef struct mlp_trust {
    char *ca;         /* a file of certificates, or a folder as c_rehash makes them; NULL: libcurl's own */
    char *pin;        /* a public key in a file, or "sha256//...", that the server must have */
    char *client;     /* our certificate */
    char *client_key; /* its key; NULL: in the same file */
    bool insecure;    /* nothing of the server is looked at */
} mlp_trust;

/* From MLflow's names in the environment, else from where the systems keep their certificates. built_in is where
 * libcurl looks by itself, or NULL. INVALID: insecure beside a CA; a file that is not there. */
mlplat_status mlp_trust_load(const char *built_in, mlp_trust *out, mlplat_error *err);
mlplat_status mlp_trust_copy(const mlp_trust *from, mlp_trust *out, mlplat_error *err);
void mlp_trust_free(mlp_trust *trust);

#endif
