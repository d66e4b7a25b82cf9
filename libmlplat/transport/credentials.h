/* Who we are to a server: MLflow's own names, and a token of Kubernetes that is read again for each request. */
#ifndef MLP_CREDENTIALS_H
#define MLP_CREDENTIALS_H
#include <mlplat/error.h>
#include <stdbool.h>

typedef struct mlp_credentials {
    char *username, *password; /* Basic, where both are there */
    char *token;               /* else Bearer */
    char *token_path;          /* else Bearer with what the file holds now */
    char *workspace;           /* X-MLFLOW-WORKSPACE */
    char *workspace_path;      /* or what this file holds */
} mlp_credentials;

/* From the environment and ~/.mlflow/credentials. UNSUPPORTED: MLFLOW_TRACKING_AUTH names a kind that needs a plug-in,
 * or signatures of AWS are asked for. */
mlplat_status mlp_credentials_load(mlp_credentials *out, mlplat_error *err);
mlplat_status mlp_credentials_copy(const mlp_credentials *from, mlp_credentials *out, mlplat_error *err);
void mlp_credentials_free(mlp_credentials *credentials);

/* The line "Authorization: ...", NULL for nobody. Yours, with mlp_secret_free. DENIED: the file of the token cannot be
 * read. INVALID: what cannot stand in a header. */
mlplat_status mlp_credentials_line(const mlp_credentials *credentials, char **out, mlplat_error *err);
/* The line "X-MLFLOW-WORKSPACE: ...", NULL for none. Yours, with mlp_free. */
mlplat_status mlp_credentials_workspace(const mlp_credentials *credentials, char **out, mlplat_error *err);

/* A token's file, without the blanks around it. NOT_FOUND, DENIED, INVALID: empty, or no token. */
mlplat_status mlp_token_file_read(const char *path, char **out, mlplat_error *err);

#endif
