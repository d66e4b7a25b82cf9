#include "transport/trust.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "transport/environment.h"
#include <string.h>

/* What the client libraries of Python take too, in this order. */
static const char *const ca_names[] = {"MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                       "SSL_CERT_FILE"};
/* Where systems keep their certificates: a libcurl of one (in a wheel or an image) may run on another. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Alpine with the package */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* older ones of them */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, macOS, BSD */
};

static mlplat_status set(char **to, const char *value, mlplat_error *err)
{
    if (!value)
        return MLPLAT_OK;
    *to = mlp_strdup(value);
    return *to ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status set_file(char **to, const char *name, mlplat_error *err)
{
    const char *value = mlp_environment(name);
    if (value && !mlp_file_exists(value))
        return mlp_fail(err, MLPLAT_INVALID, "%s names '%.300s', which is not there", name, value);
    return set(to, value, err);
}

static mlplat_status find_ca(const char *built_in, mlp_trust *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && !out->ca && i < sizeof ca_names / sizeof ca_names[0]; i++)
        s = set_file(&out->ca, ca_names[i], err);
    if (built_in && mlp_file_exists(built_in))
        return s;
    for (size_t i = 0; s == MLPLAT_OK && !out->ca && i < sizeof bundles / sizeof bundles[0]; i++)
        if (mlp_file_exists(bundles[i]))
            s = set(&out->ca, bundles[i], err);
    return s;
}

/* Either the hash itself or a file: a key in PEM, which libcurl reads, or such a hash. */
static mlplat_status load_pin(mlp_trust *out, mlplat_error *err)
{
    const char *value = mlp_environment("MLPLAT_TRACKING_SERVER_PIN");
    mlp_buf text = {0};
    if (!value || mlp_text_starts(value, "sha256//"))
        return set(&out->pin, value, err);
    mlplat_status s = mlp_file_read(value, 65536, &text, err);
    if (s == MLPLAT_OK && text.data && mlp_text_starts(text.data, "sha256//")) {
        text.data[strcspn(text.data, " \t\r\n")] = 0;
        value = text.data;
    }
    if (s == MLPLAT_OK)
        s = set(&out->pin, value, err);
    else
        s = mlp_fail_prefix(err, s, "MLPLAT_TRACKING_SERVER_PIN");
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_trust_load(const char *built_in, mlp_trust *out, mlplat_error *err)
{
    *out = (mlp_trust){0};
    mlplat_status s = mlp_environment_flag("MLFLOW_TRACKING_INSECURE_TLS", &out->insecure, err);
    if (s == MLPLAT_OK && out->insecure && mlp_environment(ca_names[0]))
        s = mlp_fail(err, MLPLAT_INVALID,
                     "MLFLOW_TRACKING_INSECURE_TLS is true and MLFLOW_TRACKING_SERVER_CERT_PATH "
                     "names a CA: one of them, please");
    if (s == MLPLAT_OK && !out->insecure)
        s = find_ca(built_in, out, err);
    if (s == MLPLAT_OK)
        s = set_file(&out->client, "MLFLOW_TRACKING_CLIENT_CERT_PATH", err);
    if (s == MLPLAT_OK)
        s = load_pin(out, err);
    if (s != MLPLAT_OK)
        mlp_trust_free(out);
    return s;
}

mlplat_status mlp_trust_copy(const mlp_trust *from, mlp_trust *out, mlplat_error *err)
{
    *out = (mlp_trust){.insecure = from->insecure};
    mlplat_status s = set(&out->ca, from->ca, err);
    if (s == MLPLAT_OK)
        s = set(&out->pin, from->pin, err);
    if (s == MLPLAT_OK)
        s = set(&out->client, from->client, err);
    if (s == MLPLAT_OK)
        s = set(&out->client_key, from->client_key, err);
    if (s != MLPLAT_OK)
        mlp_trust_free(out);
    return s;
}

void mlp_trust_free(mlp_trust *trust)
{
    mlp_free(trust->ca);
    mlp_free(trust->pin);
    mlp_free(trust->client);
    mlp_free(trust->client_key);
    *trust = (mlp_trust){0};
}
