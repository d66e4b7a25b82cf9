/* Every allocation of a request fails once, whoever makes it: ours, libcurl's, jansson's, libc's. */
#include "transport/transport_fixture.h"
#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void (*arm)(long nth);
static long (*disarm)(void);
static long (*blocks)(void);

/* The server is a process of its own, which has its memory. */
static pid_t serve(int *port)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        loopback *server = loopback_start();
        int number = loopback_port(server);
        ssize_t n = write(ends[1], &number, sizeof number);
        for (close(ends[1]); n > 0 && getppid() != 1;)
            mlp_clock_sleep_ms(100);
        _exit(1);
    }
    assert_int_equal(read(ends[0], port, sizeof *port), sizeof *port);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static mlplat_status one_request(const char *url, mlplat_error *err)
{
    mlp_credentials credentials = {.username = (char *)"ann", .password = (char *)"pw", .workspace = (char *)"w"};
    mlp_http_options options = {.url = url, .credentials = &credentials, .retries = -1, .timeout_ms = 2000};
    mlp_http_request request = {.method = "POST", .path = "/api"};
    mlp_http_response response = {0};
    mlp_http *http = NULL;
    json_t *body = json_pack("{s:s}", "name", "x"), *out = NULL;
    mlplat_status s = body ? mlp_http_open(&options, &http, err) : MLPLAT_NO_MEMORY;
    if (s == MLPLAT_OK)
        s = mlp_http_json(http, &request, body, &out, &response, err);
    mlp_http_response_free(&response);
    mlp_http_close(http);
    json_decref(out);
    json_decref(body);
    return s;
}

/* Where libcurl has no memory to find a name or to read a line, it says that it cannot: what is told is what it said.
 */
static bool truthful(mlplat_status s)
{
    return s == MLPLAT_NO_MEMORY || s == MLPLAT_UNAVAILABLE || s == MLPLAT_CORRUPT || s == MLPLAT_UNSUPPORTED;
}

static void a_failed_allocation_ends_the_request_and_nothing_else(void **state)
{
    mlplat_error err = {0};
    char url[64];
    int port = 0;
    long n = 0, memory = 0, failed = 0, left = 0;
    (void)state;
    if (!arm)
        skip();
    fixture_no_proxy();
    pid_t server = serve(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    mlplat_status first = one_request(url, &err);
    if (first == MLPLAT_UNSUPPORTED) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        print_message("%s\n", err.message);
        skip();
    }
    assert_int_equal(first, MLPLAT_OK);
    arm(0);
    one_request(url, &err);
    if (disarm() == 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        print_message("this build's allocator comes before the preloaded one: nothing can be made to fail\n");
        skip();
    }
    for (mlplat_status s = MLPLAT_NO_MEMORY;; n++) {
        long before = blocks();
        err = (mlplat_error){0};
        arm(n + 1);
        s = one_request(url, &err);
        long made = disarm();
        if (made <= n)
            break;
        if (s != MLPLAT_OK && !truthful(s))
            fail_msg("allocation %ld: %s: %s", n + 1, mlplat_status_name(s), err.message);
        failed += s != MLPLAT_OK;
        memory += s == MLPLAT_NO_MEMORY;
        left += blocks() - before;
    }
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    print_message("%ld allocations, %ld calls failed, %ld of them with NO_MEMORY, %ld blocks left\n", n, failed, memory,
                  left);
    assert_true(n > 50 && memory > n / 2);
    assert_in_range(left, 0, 2); /* libcurl 7.88 itself leaves one where it has no memory to remember a time-out */
}

static void find_shim(void)
{
    *(void **)&arm = dlsym(RTLD_DEFAULT, "alloc_shim_arm");
    *(void **)&disarm = dlsym(RTLD_DEFAULT, "alloc_shim_disarm");
    *(void **)&blocks = dlsym(RTLD_DEFAULT, "alloc_shim_blocks");
}

/* In front of everything: started again with the shim, which lies beside us, preloaded. */
static void preload(char **argv)
{
    char shim[4200];
    ssize_t n = readlink("/proc/self/exe", shim, 4000);
    find_shim();
    if (n <= 0 || arm || getenv("ALLOC_SHIM"))
        return;
    shim[n] = 0;
    snprintf(strrchr(shim, '/') + 1, 100, "liballoc_shim.so");
    setenv("LD_PRELOAD", shim, 1);
    setenv("ALLOC_SHIM", shim, 1); /* once */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:allocator_may_return_null=1", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_failed_allocation_ends_the_request_and_nothing_else)};
    (void)argc;
    preload(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
