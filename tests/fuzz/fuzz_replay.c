/* A journal that a dead process left, read, and now and then brought into a store: nothing that was not written,
 * nothing twice, in order, and of what lay there undamaged all. Input: the store's mark, then up to three segments
 * (journal_story.h). */
#include "fuzz_folder.h"
#include "journal_story.h"
#include "spool/replay_files.h"
#include "spool/spool_folder.h"
#include <fcntl.h>
#include <unistd.h>

#define ID      "00112233445566778899aabbccddeeff"
#define JOURNAL "1-1-1-00112233" /* of a process that is no spool's */

enum { SEGMENTS = 3, WHOLE_ONE_IN = 64 };

static char store[80], spool_folder[96];
/* Folders of one, two and three segments, which stay: only what is in the files changes. */
static struct {
    int folder, file[SEGMENTS];
} still[SEGMENTS + 1];
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

static void take(const mlp_record *r)
{
    fuzz_check(r->seq > world.last && written(r));
    world.last = r->seq;
    world.n++;
}

static mlplat_status apply(void *ctx, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                           mlplat_error *err)
{
    (void)ctx;
    (void)err;
    fuzz_check(strcmp(id, ID) == 0 && n > 0);
    for (size_t i = 0; i < n; i++) {
        take(&records[i]);
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

static void name_of(uint64_t number, char name[40])
{
    snprintf(name, 40, "%016llu.mls", (unsigned long long)number);
}

static void make_still(size_t segments)
{
    char path[128], name[40];
    snprintf(path, sizeof path, "%s/still-%zu", fuzz_folder_path, segments);
    fuzz_check(mkdir(path, 0700) == 0);
    int fd = still[segments].folder = open(path, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < segments; i++) {
        name_of(i + 1, name);
        still[segments].file[i] = openat(fd, name, O_CREAT | O_RDWR, 0600);
        fuzz_check(still[segments].file[i] != -1);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    (void)argc;
    (void)argv;
    snprintf(store, sizeof store, "%s/s.db", fuzz_folder());
    snprintf(spool_folder, sizeof spool_folder, "%s.spool", store);
    for (size_t n = 1; n <= SEGMENTS; n++)
        make_still(n);
    return mlp_place_init(&place, spool_folder, store, &err) != MLPLAT_OK;
}

static void write_segment(int fd, const story *s)
{
    char name[40];
    name_of(s->head.number, name);
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

static void check_world(void)
{
    bool all = false;
    uint64_t n = due(&all);
    fuzz_check(all ? world.n == n : world.n <= n);
}

static void read_still(void)
{
    mlplat_error err = {0};
    mlp_replay_files files;
    const mlp_record *r = NULL;
    for (size_t i = 0; i < world.segments; i++) {
        const story *s = &world.segment[i];
        int fd = still[world.segments].file[i];
        fuzz_check(ftruncate(fd, (off_t)s->size) == 0 && pwrite(fd, s->bytes, s->size, 0) == (ssize_t)s->size);
    }
    int folder = still[world.segments].folder;
    fuzz_check(mlp_replay_files_list(&files, folder, world.segment[0].boot, &err) == MLPLAT_OK);
    fuzz_check(files.n == world.segments);
    while (mlp_replay_files_next(&files, &r, &err) == MLPLAT_OK && (r || files.used_up)) {
        if (r && r->seq > world.last) /* a damaged segment is read again where another goes on */
            take(r);
        mlp_replay_files_give_back(&files);
    }
    fuzz_check(err.status == MLPLAT_OK);
    check_world();
    mlp_replay_files_free(&files);
}

static void replay(void)
{
    mlplat_error err = {0};
    mlp_spool *spool = NULL;
    mlp_spool_options options = {.folder = spool_folder, .store = store, .durability = MLPLAT_DURABILITY_PROCESS};
    const mlp_sink sink = {.apply = apply, .mark = mark, .forget = forget};
    bool all = false;
    write_journal();
    fuzz_check(mlp_spool_open(&options, &sink, &spool, &err) == MLPLAT_OK);
    mlp_spool_close(spool, NULL);
    check_world();
    due(&all);
    fuzz_check(!all || world.forgotten);
    fuzz_check(mlp_file_remove_tree(spool_folder, &err) == MLPLAT_OK);
}

/* What lies there, made up of the input, for a store that has all up to a mark. */
static void tell(fuzz_input *in)
{
    uint64_t seq = 1;
    world.segments = 0;
    world.mark = fuzz_byte(in) % 32;
    do {
        story *s = &world.segment[world.segments];
        story_tell(s, in, ID, place.identity, world.segments + 1, seq);
        seq += s->n;
        world.segments++;
    } while (in->n && world.segments < SEGMENTS);
}

static void begin(void)
{
    world.n = 0;
    world.last = world.mark;
    world.forgotten = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    tell(&in);
    begin();
    read_still();
    begin();
    if (fuzz_now_and_then(data, size, WHOLE_ONE_IN))
        replay();
    return 0;
}
