/* The clients of a session's artifact servers, opened at first need and kept. */
#include "artifacts/artifact_remote.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uri.h"
#include "transport/origin.h"
#include <string.h>

#define KEEP_NS 2000000000 /* a folder that somebody makes meanwhile is overlooked for as long */

typedef struct client {
    char *address;
    mlp_http *http;
    struct client *next;
} client;

struct mlp_artifact_clients {
    pthread_mutex_t lock;
    client *first;
    /* What check_free saw last. */
    const mlp_http *of;
    char *folder;
    json_t *folders; /* their names, with anything */
    int64_t listed_ns;
};

static mlplat_status clients_open(mlplat *ml, void **object, mlplat_error *err)
{
    mlp_artifact_clients *clients = mlp_alloc(sizeof *clients);
    (void)ml;
    if (!clients)
        return mlp_fail_memory(err);
    pthread_mutex_init(&clients->lock, NULL);
    *object = clients;
    return MLPLAT_OK;
}

static void clients_abandon(void *object)
{
    mlp_artifact_clients *clients = object;
    for (client *at = clients->first, *next; at; at = next) {
        next = at->next;
        mlp_http_close(at->http);
        mlp_free(at->address);
        mlp_free(at);
    }
    mlp_free(clients->folder);
    json_decref(clients->folders);
    mlp_free(clients);
}

static void clients_close(mlplat *ml, void *object)
{
    mlp_artifact_clients *clients = object;
    (void)ml;
    pthread_mutex_destroy(&clients->lock);
    clients_abandon(object);
}

mlplat_status mlp_artifact_clients_of(mlplat *ml, mlp_artifact_clients **out, mlplat_error *err)
{
    static const mlp_slot_ops ops = {.open = clients_open, .close = clients_close, .abandon = clients_abandon};
    void *object = NULL;
    mlplat_status s = mlp_session_slot(ml, MLP_SLOT_ARTIFACTS, &ops, &object, err);
    *out = object;
    return s;
}

mlplat_status mlp_artifact_ready(mlplat *ml, mlplat_error *err)
{
    mlp_artifact_clients *clients = NULL;
    return mlp_artifact_clients_of(ml, &clients, err);
}

/* Whether an address is of the server that our name and password are for. */
static mlplat_status is_ours(const mlplat *ml, const char *address, bool *ours, mlplat_error *err)
{
    static const mlp_setting settings[] = {MLP_SET_TRACKING_URI, MLP_SET_REGISTRY_URI};
    mlp_origin there = {0};
    *ours = false;
    mlplat_status s = mlp_origin_parse(address, &there, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof settings / sizeof settings[0]; i++) {
        mlp_origin known = {0};
        const char *uri = mlp_session_setting(ml, settings[i]);
        if (!uri || (!mlp_uri_has_scheme(uri, "http") && !mlp_uri_has_scheme(uri, "https")))
            continue;
        s = mlp_origin_parse(uri, &known, err);
        *ours = *ours || (s == MLPLAT_OK && mlp_origin_same(&there, &known));
        mlp_origin_free(&known);
    }
    mlp_origin_free(&there);
    return s;
}

static mlplat_status open_client(mlplat *ml, const char *address, mlp_http **out, mlplat_error *err)
{
    mlp_http_options options = {.url = address, .log = &ml->log};
    mlp_credentials credentials = {0};
    bool ours = false;
    mlplat_status s = is_ours(ml, address, &ours, err);
    if (s == MLPLAT_OK)
        s = mlp_http_options_load(&options, err);
    if (s == MLPLAT_OK && ours)
        s = mlp_credentials_load(&credentials, err);
    options.credentials = &credentials;
    if (s == MLPLAT_OK)
        s = mlp_http_open(&options, out, err);
    mlp_credentials_free(&credentials);
    return s;
}

/* With the lock held. */
static mlplat_status add_client(mlp_artifact_clients *clients, mlplat *ml, const char *address, mlp_http **out,
                                mlplat_error *err)
{
    client *made = mlp_alloc(sizeof *made);
    if (made)
        made->address = mlp_strdup(address);
    mlplat_status s = made && made->address ? open_client(ml, address, &made->http, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        made->next = clients->first;
        clients->first = made;
        *out = made->http;
        return s;
    }
    if (made)
        mlp_free(made->address);
    mlp_free(made);
    return s;
}

mlplat_status mlp_artifact_clients_get(mlp_artifact_clients *clients, mlplat *ml, const char *address, mlp_http **out,
                                       mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    *out = NULL;
    pthread_mutex_lock(&clients->lock);
    for (const client *at = clients->first; at && !*out; at = at->next)
        if (strcmp(at->address, address) == 0)
            *out = at->http;
    if (!*out)
        s = add_client(clients, ml, address, out, err);
    pthread_mutex_unlock(&clients->lock);
    return s;
}

bool mlp_artifact_clients_know(mlp_artifact_clients *clients, const mlp_http *http, const char *path, const char *name,
                               bool *is_folder)
{
    pthread_mutex_lock(&clients->lock);
    bool known = clients->of == http && clients->folder && strcmp(clients->folder, path) == 0 &&
                 mlp_clock_mono_ns() - clients->listed_ns < KEEP_NS;
    *is_folder = known && json_object_get(clients->folders, name);
    pthread_mutex_unlock(&clients->lock);
    return known;
}

void mlp_artifact_clients_keep(mlp_artifact_clients *clients, const mlp_http *http, const char *path, json_t *folders)
{
    char *copy = mlp_strdup(path); /* without memory nothing is remembered */
    pthread_mutex_lock(&clients->lock);
    char *old = clients->folder;
    json_t *old_folders = clients->folders;
    clients->of = http;
    clients->folder = copy;
    clients->folders = folders;
    clients->listed_ns = mlp_clock_mono_ns();
    pthread_mutex_unlock(&clients->lock);
    mlp_free(old);
    json_decref(old_folders);
}
