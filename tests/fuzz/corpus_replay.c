/* main of a fuzz target without libFuzzer: gives it every file of the folders and files named, and each file cut short,
 * which is where parsers read too far; with --whole first, which is for slow targets, the files alone. */
#include "fuzz.h"
#include <dirent.h>
#include <sys/stat.h>

enum { FILE_MOST = 1 << 20, CUTS = 16 };

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static size_t replayed;
static bool whole;

/* In memory of just that size, so that a sanitizer sees the end. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    replayed++;
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_MOST);
    if (!file || !bytes) {
        perror(path);
        exit(2);
    }
    size_t size = fread(bytes, 1, FILE_MOST, file), step = size / CUTS + 1;
    fclose(file);
    run(bytes, size);
    for (size_t cut = 0; cut < size && !whole; cut += step)
        run(bytes, cut);
    free(bytes);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_path(const char *path)
{
    struct dirent **names = NULL;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    int n = scandir(path, &names, NULL, by_name);
    if (n < 0) {
        perror(path);
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            run_file(name);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    run((const uint8_t *)"", 0);
    whole = argc > 1 && strcmp(argv[1], "--whole") == 0;
    for (int i = 1 + whole; i < argc; i++)
        run_path(argv[i]);
    printf("%zu inputs\n", replayed);
    return replayed > 1 ? 0 : 2; /* an empty corpus would show nothing */
}
