/* A journal that a dead process left, brought into a store: nothing that was not written, nothing twice, in order, and
 * of what lay there undamaged all. Input: the store's mark, then up to three segments (journal_story.h). With files:
 * some thousand a second. */
#include "fuzz_folder.h"
#include "journal_story.h"
#include "spool/spool_folder.h"
#include <fcntl.h>
#include <unistd.h>

#define ID      "00112233445566778899aabbccddeeff"
#define JOURNAL "1-1-1-00112233" /* of a process that is no spool's */

enum { SEGMENTS = 3 };

static char store[80], spool_folder[96];
static mlp_place place;

/* The store at the far end: what it was given of the journal. */
static struct {
    uint64_t mark, last, n;
    bool forgotten;
    story segment[SEGMENTS];
    size_t segments;
} world;

static bool written(const mlp_record *r)
{
    for (size_t i = 0; i < world.segments; i++)
        if (story_has(&world.segment[i], r))
            return true;
    return false;
}

static mlplat_status apply(void *ctx, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                           mlplat_error *err)
{
    (void)ctx;
    (void)err;
    fuzz_check(strcmp(id, ID) == 0 && n > 0);
    for (size_t i = 0; i < n; i++) {
        fuzz_check(records[i].seq > world.last && written(&records[i]));
        world.last = records[i].seq;
        world.n++;
        verdicts[i].status = MLPLAT_OK;
    }
    return MLPLAT_OK;
}

static mlplat_status mark(void *ctx, const char *id, uint64_t *seq, mlplat_error *err)
{
    (void)ctx;
    (void)err;
    fuzz_check(strcmp(id, ID) == 0);
    *seq = world.mark;
    return MLPLAT_OK;
}

static mlplat_status forget(void *ctx, const char *id, mlplat_error *err)
{
    (void)ctx;
    (void)err;
    fuzz_check(strcmp(id, ID) == 0);
    world.forgotten = true;
    return MLPLAT_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    (void)argc;
    (void)argv;
    snprintf(store, sizeof store, "%s/s.db", fuzz_folder());
    snprintf(spool_folder, sizeof spool_folder, "%s.spool", store);
    return mlp_place_init(&place, spool_folder, store, &err) != MLPLAT_OK;
}

static void write_segment(int fd, const story *s)
{
    char name[40];
    snprintf(name, sizeof name, "%016llu.mls", (unsigned long long)s->head.number);
    int file = openat(fd, name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    fuzz_check(file != -1 && write(file, s->bytes, s->size) == (ssize_t)s->size);
    close(file);
}

static void write_journal(void)
{
    int fd = -1;
    char path[200];
    mlplat_error err = {0};
    fuzz_check(mlp_place_open(&place, true, &fd, &err) == MLPLAT_OK);
    close(fd);
    snprintf(path, sizeof path, "%s/" JOURNAL, spool_folder);
    fuzz_check(mkdir(path, 0700) == 0);
    fd = open(path, O_RDONLY | O_DIRECTORY);
    fuzz_check(fd != -1);
    close(openat(fd, "lock", O_CREAT | O_WRONLY, 0600));
    for (size_t i = 0; i < world.segments; i++)
        write_segment(fd, &world.segment[i]);
    close(fd);
}

/* Records of whole calls above the mark, of segments that nothing happened to. */
static uint64_t due(bool *all)
{
    uint64_t n = 0;
    *all = true;
    for (size_t i = 0; i < world.segments; i++) {
        const story *s = &world.segment[i];
        *all = *all && !s->damaged;
        for (uint64_t k = 0; k < s->whole; k++)
            n += s->first_seq + k > world.mark;
    }
    return n;
}

static void replay(void)
{
    mlplat_error err = {0};
    mlp_spool *spool = NULL;
    mlp_spool_options options = {.folder = spool_folder, .store = store, .durability = MLPLAT_DURABILITY_PROCESS};
    const mlp_sink sink = {.apply = apply, .mark = mark, .forget = forget};
    bool all = false;
    uint64_t n = due(&all);
    fuzz_check(mlp_spool_open(&options, &sink, &spool, &err) == MLPLAT_OK);
    mlp_spool_close(spool, NULL);
    if (all)
        fuzz_check(world.n == n && world.forgotten);
    fuzz_check(world.n <= n);
    fuzz_check(mlp_file_remove_tree(spool_folder, &err) == MLPLAT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    uint64_t seq = 1;
    world.n = world.segments = 0;
    world.forgotten = false;
    world.mark = world.last = fuzz_byte(&in) % 32;
    do {
        story *s = &world.segment[world.segments];
        story_tell(s, &in, ID, place.identity, world.segments + 1, seq);
        seq += s->n;
        world.segments++;
    } while (in.n && world.segments < SEGMENTS);
    write_journal();
    replay();
    return 0;
}
