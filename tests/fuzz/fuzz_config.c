/* Profile files. Input: a byte, then the YAML of a file, which is read from the input itself. */
#include "base/config.h"
#include "base/json.h"
#include "base/os.h"
#include "fuzz.h"
#include "session/store_uri.h"
#include <sys/mman.h>
#include <unistd.h>

static int fd; /* of an empty file that stands for it */
static fuzz_input file;
static mlp_os from_input;

static int open_input(int dirfd, const char *path, int flags, mode_t mode)
{
    (void)dirfd;
    (void)path;
    (void)flags;
    (void)mode;
    return fd;
}

static int close_input(int closed)
{
    return closed == fd ? 0 : -1;
}

static ssize_t read_input(int from, void *buf, size_t n)
{
    n = n < file.n ? n : file.n;
    fuzz_check(from == fd);
    if (n)
        memcpy(buf, file.at, n);
    file.at += n;
    file.n -= n;
    return (ssize_t)n;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"MLPLAT_", "MLFLOW_"};
    extern char **environ;
    (void)argc;
    (void)argv;
    for (char **at = environ; *at;) {
        char *name = strndup(*at, strcspn(*at, "="));
        if (strncmp(name, names[0], 7) == 0 || strncmp(name, names[1], 7) == 0)
            unsetenv(name);
        else
            at++;
        free(name);
    }
    fd = memfd_create("profiles", 0);
    from_input = *mlp_os_default();
    from_input.open = open_input;
    from_input.close = close_input;
    from_input.read = read_input;
    mlp_os_replace(&from_input);
    return fd == -1;
}

/* Every setting that has a value tells from where, and what a program needs is there. */
static void check_config(const mlp_config *config)
{
    static const mlp_setting needed[] = {MLP_SET_TRACKING_URI, MLP_SET_REGISTRY_URI, MLP_SET_DURABILITY,
                                         MLP_SET_TRUNCATE};
    for (int i = 0; i < MLP_SET_COUNT; i++) {
        fuzz_check(!config->value[i] == !config->source[i]);
        fuzz_check(!config->source[i] || strncmp(config->source[i], "profile ", 8) == 0 ||
                   strcmp(config->source[i], "default") == 0);
    }
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        fuzz_check(config->value[needed[i]] && *config->value[needed[i]]);
    fuzz_check(strcmp(config->value[MLP_SET_TRUNCATE], "true") == 0 ||
               strcmp(config->value[MLP_SET_TRUNCATE], "false") == 0);
    json_t *shown = mlp_config_json(config);
    fuzz_check(json_object_size(shown) == MLP_SET_COUNT);
    json_decref(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlp_config config = {0};
    options.config_file = "profiles.yaml";
    options.profile = fuzz_byte(&in) % 2 ? "p" : NULL;
    file = in;
    mlplat_status s = mlp_config_load(&options, &config, err);
    if (s == MLPLAT_OK) {
        check_config(&config);
        s = mlp_store_uri_check(&config, err);
        fuzz_check(s == MLPLAT_OK || fuzz_refused(s, err));
    } else {
        fuzz_check((s == MLPLAT_INVALID || s == MLPLAT_NOT_FOUND) && fuzz_refused(s, err));
    }
    mlp_config_free(&config);
    return 0;
}
