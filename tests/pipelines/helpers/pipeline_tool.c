/* A plain program that the tests run as a step: what it does is its first argument. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int write_file(const char *path, const char *text)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    FILE *f = fopen(temporary, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        return 9;
    return rename(temporary, path) == 0 ? 0 : 9;
}

/* Waits for a file of somebody else; the limit is for a test that has gone wrong. */
static int wait_for(const char *path)
{
    struct timespec pause = {0, 2000000};
    for (int i = 0; i < 10000; i++) {
        if (access(path, F_OK) == 0)
            return 0;
        nanosleep(&pause, NULL);
    }
    return 8;
}

static int do_write(char **argv)
{
    return write_file(argv[0], argv[1]);
}

static int do_say(char **argv)
{
    printf("%s\n", argv[0]);
    fflush(stdout);
    fprintf(stderr, "last words: %s\n", argv[0]);
    return atoi(argv[1]);
}

static int do_signal(char **argv)
{
    printf("about to go\n");
    fflush(stdout);
    raise(atoi(argv[0]));
    return 0;
}

static int do_meet(char **argv)
{
    return write_file(argv[0], "here") != 0 ? 9 : wait_for(argv[1]);
}

/* Stays, with a child of its own that stays too, and tells both numbers. */
static int do_stay(char **argv)
{
    char text[64];
    if (strcmp(argv[1], "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    pid_t child = fork();
    if (child != 0) {
        snprintf(text, sizeof text, "%d %d", (int)getpid(), (int)child);
        if (child < 0 || write_file(argv[0], text) != 0)
            return 9;
    }
    for (;;)
        pause();
}

/* Leaves a child behind and ends well. */
static int do_leave(char **argv)
{
    char text[64];
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    snprintf(text, sizeof text, "%d %d", (int)getpid(), (int)child);
    return child < 0 ? 9 : write_file(argv[0], text);
}

static int do_environment(char **argv)
{
    char folder[4096];
    FILE *f = fopen(argv[0], "w");
    if (!f || !getcwd(folder, sizeof folder))
        return 9;
    for (char **at = environ; *at; at++)
        fprintf(f, "%s\n", *at);
    fprintf(f, "CWD=%s\n", folder);
    return fclose(f) == 0 ? 0 : 9;
}

static int do_copy(char **argv)
{
    char text[65536];
    FILE *f = fopen(argv[0], "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (!f)
        return 9;
    fclose(f);
    text[n] = 0;
    return write_file(argv[1], text);
}

static int do_print(char **argv)
{
    for (; *argv; argv++)
        printf("[%s]", *argv);
    printf("\n");
    return 0;
}

/* Adds a byte to a file and fails until it has as many as asked. */
static int do_count(char **argv)
{
    struct stat st;
    int fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &st) != 0)
        return 9;
    close(fd);
    printf("attempt %d\n", (int)st.st_size);
    return st.st_size >= atoi(argv[1]) ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        int (*run)(char **argv);
    } words[] = {
        {"write", 2, do_write}, {"say", 2, do_say},     {"signal", 1, do_signal},           {"meet", 2, do_meet},
        {"stay", 2, do_stay},   {"leave", 1, do_leave}, {"environment", 1, do_environment}, {"copy", 2, do_copy},
        {"print", 0, do_print}, {"count", 2, do_count},
    };
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(argv[1], words[i].name) == 0 && argc - 2 >= words[i].arguments)
            return words[i].run(argv + 2);
    return 7;
}
