/* An artifact proxy that does what no MLflow should. The suite of artifact stores runs on real servers in
 * tests/integration. */
#include "artifacts/artifact_http_fixture.h"
#include "support/hostile_names.h"
#include <fcntl.h>
#include <unistd.h>

static bool sent(fixture *f, size_t i, const char *text)
{
    char *request = loopback_request(f->server, i);
    bool there = strstr(request, text) != NULL;
    free(request);
    return there;
}

static int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf_add(user, data, n);
    return (int64_t)n;
}

static mlplat_status read_text(fixture *f, const char *uri, mlp_buf *text, mlplat_error *err)
{
    mlp_buf_free(text);
    return mlplat_artifact_read(f->ml, uri, collect, text, err);
}

static void check_file(fixture *f, const char *name, const char *want)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(mlp_file_read(test_path(f->folder, name), 1000000, &text, &err));
    assert_string_equal(text.data, want);
    mlp_buf_free(&text);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* A list of one file of this name; replies stay, as the server may be sending one that the client has done with. */
static const char *list_of(const char *name, size_t i)
{
    static char replies[400][7000];
    char text[6500];
    json_t *path = json_string(name); /* NULL: it is no UTF-8, and comes as it is */
    char *quoted = path ? json_dumps(path, JSON_ENCODE_ANY) : NULL;
    snprintf(text, sizeof text, quoted ? "{\"files\": [{\"path\": %s}]}" : "{\"files\": [{\"path\": \"%s\"}]}",
             quoted ? quoted : name);
    snprintf(replies[i], sizeof replies[i],
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
    free(quoted);
    json_decref(path);
    return replies[i];
}

static void a_hostile_list_is_refused_whole(void **state)
{
    fixture *f = *state;
    size_t i = 0;
    NEEDS_HTTP(f);
    for (const char *name; (name = hostile_name(i)); i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        loopback_step step = {.reply = list_of(name, i)};
        loopback_script(f->server, &step, 1);
        mlplat_status s = mlplat_artifact_list(f->ml, PLACE "x", &doc, &err);
        if ((s != MLPLAT_INVALID && s != MLPLAT_CORRUPT) || doc)
            fail_msg("'%s' was listed: %s", name, mlplat_status_name(s));
        s = get(f, PLACE "x", &err);
        if (s != MLPLAT_INVALID && s != MLPLAT_CORRUPT)
            fail_msg("'%s' was got: %s", name, mlplat_status_name(s));
        assert_false(mlp_file_exists(test_path(f->folder, "to")));
    }
    assert_true(i >= 200);
}

static void lists_that_are_none_are_corrupt(void **state)
{
    static const char *const odd[] = {
        JSON("13", "{\"files\": {}}"),
        JSON("14", "{\"files\": [1]}"),
        JSON("27", "{\"files\": [{\"path\": null}]}"),
        JSON("23", "{\"files\": [{\"p\": \"x\"}]}"),
        JSON("2", "[]"),
        JSON("1", "{"),
    };
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        loopback_step step = {.reply = odd[i]};
        loopback_script(f->server, &step, 1);
        assert_status(mlplat_artifact_list(f->ml, PLACE, &doc, &err), MLPLAT_CORRUPT);
        assert_null(doc);
    }
}

static void a_list_of_names_with_slashes_or_nul_is_refused(void **state)
{
    static const char *const odd[] = {
        JSON("28", "{\"files\": [{\"path\": \"a/b\"}]}"),
        JSON("33", "{\"files\": [{\"path\": \"a\\u0000b\"}]}"),
    };
    fixture *f = *state;
    NEEDS_HTTP(f);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        loopback_step step = {.reply = odd[i]};
        loopback_script(f->server, &step, 1);
        mlplat_status s = mlplat_artifact_list(f->ml, PLACE, &doc, &err);
        assert_true(s == MLPLAT_INVALID || s == MLPLAT_CORRUPT);
        assert_null(doc);
    }
}

static void sizes_come_as_numbers_or_text(void **state)
{
    static const loopback_step step = {
        .reply = JSON("141", "{\"files\": [{\"path\": \"b\", \"file_size\": \"12\"}, "
                             "{\"path\": \"a\", \"file_size\": \"x\"}, {\"path\": \"d\", \"file_size\": -1}, "
                             "{\"path\": \"c\", \"is_dir\": true}]}")};
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    NEEDS_HTTP(f);
    loopback_script(f->server, &step, 1);
    assert_ok(mlplat_artifact_list(f->ml, "mlflow-artifacts:/", &doc, &err));
    assert_string_equal(mlplat_doc_text(doc), "{\"root_uri\":\"mlflow-artifacts:/\",\"files\":["
                                              "{\"path\":\"a\",\"is_dir\":false},"
                                              "{\"path\":\"b\",\"is_dir\":false,\"file_size\":12},"
                                              "{\"path\":\"c\",\"is_dir\":true},"
                                              "{\"path\":\"d\",\"is_dir\":false}]}");
    assert_true(sent(f, 0, "GET /api/2.0/mlflow-artifacts/artifacts HTTP/1.1\r\n"));
    mlplat_doc_free(doc);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void a_cut_download_comes_again(void **state)
{
    static const loopback_step steps[] = {{.reply = FILE_OF("10", "01234"), .end = LOOPBACK_CLOSE},
                                          {.reply = FILE_OF("10", "012"), .end = LOOPBACK_CLOSE},
                                          {.reply = FILE_OF("10", "0123456789")}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(read_text(f, PLACE "f", &text, &err));
    assert_string_equal(text.data, "0123456789");
    assert_int_equal(loopback_requests(f->server), 3);
    mlp_buf_free(&text);
}

/* What was handed out cannot be taken back: what comes again must be the same. */
static void a_file_that_changes_between_two_tries_is_told(void **state)
{
    static const loopback_step other[] = {{.reply = FILE_OF("10", "01234"), .end = LOOPBACK_CLOSE},
                                          {.reply = FILE_OF("10", "abcdefghij")}};
    static const loopback_step shorter[] = {{.reply = FILE_OF("10", "01234"), .end = LOOPBACK_CLOSE},
                                            {.reply = FILE_OF("3", "012")}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, other);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_CORRUPT);
    assert_string_equal(text.data, "01234");
    SCRIPT(f, shorter);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "changed while it was read"));
    mlp_buf_free(&text);
}

static void a_partial_download_never_has_the_name_of_the_file(void **state)
{
    static const loopback_step cut[] = {{.reply = nothing},
                                        {.reply = file_of_ten},
                                        {.reply = FILE_OF("10", "01234"), .end = LOOPBACK_CLOSE}};
    static const loopback_step less[] = {
        {.reply = nothing}, {.reply = file_of_ten}, {.reply = FILE_OF("5", "01234")}};
    static const loopback_step good[] = {
        {.reply = nothing}, {.reply = file_of_ten}, {.reply = FILE_OF("10", "0123456789")}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "to"), "before", 6, false, &err));
    SCRIPT(f, cut);
    assert_status(get(f, PLACE "f", &err), MLPLAT_UNAVAILABLE);
    check_file(f, "to", "before");
    SCRIPT(f, less);
    assert_status(get(f, PLACE "f", &err), MLPLAT_CORRUPT);
    assert_int_equal(err.retryable, 1);
    assert_non_null(strstr(err.message, "5 bytes came"));
    check_file(f, "to", "before");
    SCRIPT(f, good);
    assert_ok(get(f, PLACE "f", &err));
    check_file(f, "to", "0123456789");
}

/* MLflow answers 500 to what will never work; what it is, a look at the list tells. */
static void what_cannot_be_read_is_told_at_once(void **state)
{
    static const char oh[] = FAILS("500 Internal Server Error", "2", "oh");
    static const loopback_step absent[] = {{.reply = oh}, {.reply = nothing}};
    static const loopback_step not_found[] = {{.reply = FAILS("404 Not Found", "0", "")}};
    static const loopback_step folder[] = {{.reply = oh}, {.reply = folder_f}};
    static const loopback_step passing[] = {{.reply = oh}, {.reply = file_of_ten}, {.reply = FILE_OF("1", "x")}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, absent);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_NOT_FOUND);
    assert_int_equal(loopback_requests(f->server), 2);
    SCRIPT(f, not_found);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_NOT_FOUND);
    assert_non_null(strstr(err.message, "there is no artifact 'mlflow-artifacts:/0/run/artifacts/f'"));
    SCRIPT(f, folder);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "is a folder"));
    SCRIPT(f, passing);
    assert_ok(read_text(f, PLACE "f", &text, &err));
    assert_string_equal(text.data, "x");
    assert_status(read_text(f, "mlflow-artifacts:/", &text, &err), MLPLAT_INVALID);
    mlp_buf_free(&text);
}

static void a_page_to_log_in_is_no_file(void **state)
{
    static const loopback_step login[] = {{.reply = LOGIN}};
    static const loopback_step before_put[] = {{.reply = nothing}, {.reply = LOGIN}};
    static const loopback_step attached[] = {
        {.reply = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=x\r\n"
                  "Content-Length: 6\r\n\r\n<html>"}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, login);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_DENIED);
    assert_int_equal(text.size, 0);
    assert_ok(read_text(f, PLACE "page.html", &text, &err));
    assert_ok(read_text(f, PLACE "page.htm", &text, &err));
    SCRIPT(f, attached);
    assert_ok(read_text(f, PLACE "f", &text, &err));
    assert_string_equal(text.data, "<html>");
    SCRIPT(f, before_put);
    assert_status(put(f, PLACE "a/f", &err), MLPLAT_DENIED);
    assert_non_null(strstr(err.message, "MLFLOW_TRACKING_USERNAME"));
    mlp_buf_free(&text);
}

static void a_name_that_an_old_server_cannot_send_is_told(void **state)
{
    static const loopback_step cut[] = {{.reply = "", .end = LOOPBACK_CLOSE}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, cut);
    assert_status(read_text(f, PLACE "\xe8\xaa\x9e", &text, &err), MLPLAT_UNAVAILABLE);
    assert_non_null(strstr(err.message, "beyond Latin-1"));
    assert_status(read_text(f, PLACE "\xe8\xaa\x9e/Gr\xc3\xb6\xc3\x9f" "e", &text, &err), MLPLAT_UNAVAILABLE);
    assert_null(strstr(err.message, "beyond Latin-1"));
}

/* ---- putting ---------------------------------------------------------------------------------------------------- */

static void a_file_is_sent_again_from_its_begin(void **state)
{
    static const loopback_step steps[] = {{.reply = nothing}, {.reply = busy}, {.reply = busy}, {.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    char *many = test_malloc(50000);
    memset(many, 'x', 50000);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "many"), many, 50000, false, &err));
    SCRIPT(f, steps);
    assert_ok(mlplat_artifact_put(f->ml, test_path(f->folder, "many"), PLACE "one/f", NULL, &err));
    assert_int_equal(loopback_requests(f->server), 4);
    for (size_t i = 1; i < 4; i++) {
        assert_true(sent(f, i, "PUT /api/2.0/mlflow-artifacts/artifacts/0/run/artifacts/one/f HTTP/1.1\r\n"));
        assert_true(sent(f, i, "\r\nTransfer-Encoding: chunked\r\n"));
        char *request = loopback_request(f->server, i);
        size_t n = 0;
        for (const char *at = strstr(request, "\r\n\r\n"); at && *at; at++)
            n += *at == 'x';
        assert_int_equal(n, 50000);
        free(request);
    }
    test_free(many);
}

static void a_server_that_wants_the_length_gets_it(void **state)
{
    static const loopback_step steps[] = {
        {.reply = nothing}, {.reply = FAILS("411 Length Required", "0", "")}, {.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    char *many = test_malloc(50000);
    memset(many, 'x', 50000);
    SCRIPT(f, steps);
    assert_ok(mlplat_artifact_put_bytes(f->ml, many, 50000, PLACE "two/f", &err));
    assert_true(sent(f, 2, "\r\nContent-Length: 50000\r\n"));
    test_free(many);
}

static void a_folder_in_the_way_is_told_before_anything_is_sent(void **state)
{
    static const loopback_step steps[] = {{.reply = folder_f}, {.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(put(f, PLACE "three/f", &err), MLPLAT_EXISTS);
    assert_int_equal(loopback_requests(f->server), 1);
    assert_status(put(f, PLACE "three/f", &err), MLPLAT_EXISTS); /* known by now */
    assert_int_equal(loopback_requests(f->server), 1);
    assert_ok(put(f, PLACE "three/g", &err));
    assert_int_equal(loopback_requests(f->server), 2);
    assert_true(sent(f, 0, "?path=0/run/artifacts/three "));
    assert_true(sent(f, 1, "/three/g HTTP"));
    assert_status(put(f, "mlflow-artifacts:/", &err), MLPLAT_INVALID);
}

static void a_file_among_the_folders_is_told(void **state)
{
    static const char oh[] = FAILS("500 Internal Server Error", "2", "oh");
    static const loopback_step steps[] = {
        {.reply = nothing}, {.reply = oh}, {.reply = nothing}, {.reply = file_of_ten}};
    static const loopback_step other[] = {{.reply = nothing}, {.reply = oh}, {.reply = folder_f}, {.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(put(f, "mlflow-artifacts:/f/four/x", &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "'f' is a file there"));
    assert_int_equal(loopback_requests(f->server), 4);
    SCRIPT(f, other); /* nothing is wrong with the place: it is tried again */
    assert_ok(put(f, "mlflow-artifacts:/five/f/x", &err));
    assert_int_equal(loopback_requests(f->server), 4);
}

static void a_server_without_the_proxy_is_told_at_once(void **state)
{
    static const loopback_step steps[] = {
        {.reply = FAILS("503 Service Unavailable", "60",
                        "Endpoint disabled: the server runs without --serve-artifacts")}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    mlplat_doc *doc = NULL;
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_status(mlplat_artifact_list(f->ml, PLACE, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_status(put(f, PLACE "six/f", &err), MLPLAT_UNSUPPORTED);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "--serve-artifacts"));
    assert_int_equal(loopback_requests(f->server), 3);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    static const loopback_step steps[] = {{.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    const mlp_artifact_store *store = mlp_artifact_proxy();
    NEEDS_HTTP(f);
    SCRIPT(f, steps);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "closed"), "0123456789", 10, false, &err));
    int fd = open(test_path(f->folder, "closed"), O_WRONLY);
    assert_status(store->put_file(f->ml, "mlflow-artifacts:/seven", "f", fd, NULL, &err), MLPLAT_IO);
    close(fd);
    assert_status(store->put_file(f->ml, "mlflow-artifacts:/seven", "f", -1, NULL, &err), MLPLAT_IO);
}

typedef struct cutter {
    const char *path;
    uint64_t seen;
} cutter;

static int cut_it(void *user, uint64_t done, uint64_t total)
{
    cutter *c = user;
    (void)total;
    c->seen = done;
    return truncate(c->path, 10);
}

static void a_file_that_becomes_shorter_is_not_stored(void **state)
{
    static const loopback_step steps[] = {{.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    cutter c = {.path = test_path(f->folder, "shrinks")};
    mlp_hook hook = {.fn = cut_it, .user = &c};
    NEEDS_HTTP(f);
    char *many = test_malloc(3000000);
    memset(many, 'x', 3000000);
    SCRIPT(f, steps);
    assert_ok(mlp_file_write_atomic(c.path, many, 3000000, false, &err));
    int fd = open(c.path, O_RDONLY);
    assert_status(mlp_artifact_proxy()->put_file(f->ml, "mlflow-artifacts:/eight", "f", fd, &hook, &err), MLPLAT_IO);
    assert_non_null(strstr(err.message, "shorter"));
    assert_in_range(c.seen, 1, 2999999);
    close(fd);
    test_free(many);
}

static int stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    ++*(int *)user;
    return 1;
}

/* While a server thinks nothing moves, and the caller is asked all the same. */
static void a_caller_may_stop_while_the_server_thinks(void **state)
{
    static const loopback_step stalls[] = {{.reply = nothing}, {.reply = "", .end = LOOPBACK_STALL}};
    static const loopback_step reads[] = {{.reply = "", .end = LOOPBACK_STALL}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    int asked = 0;
    mlp_hook hook = {.fn = stop_at_once, .user = &asked};
    const mlp_artifact_store *store = mlp_artifact_proxy();
    NEEDS_HTTP(f);
    SCRIPT(f, stalls);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "empty"), "", 0, false, &err));
    int fd = open(test_path(f->folder, "empty"), O_RDONLY);
    assert_status(store->put_file(f->ml, "mlflow-artifacts:/nine", "f", fd, &hook, &err), MLPLAT_CANCELLED);
    close(fd);
    SCRIPT(f, reads);
    assert_status(store->read(f->ml, "mlflow-artifacts:/nine", "f", &hook, collect, &text, &err), MLPLAT_CANCELLED);
    assert_int_equal(asked, 2);
}

/* A second of MLFLOW_HTTP_REQUEST_TIMEOUT is for the server's thinking, not for the bytes: those may take longer. */
static void a_slow_line_is_waited_for_and_a_silent_server_is_not(void **state)
{
    static const char slow[] = FILE_OF("10", "0123456789");
    static const loopback_step drips[] = {{.reply = slow, .end = LOOPBACK_DRIP}};
    static const loopback_step silent[] = {{.reply = "", .end = LOOPBACK_STALL}};
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_buf text = {0};
    char uri[64];
    NEEDS_HTTP(f);
    assert_true(sizeof slow * 20 > 1500); /* ms, of 20 each byte */
    setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1", 1);
    mlplat_close(f->ml);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", loopback_port(f->server));
    f->ml = open_session(f, uri, NULL);
    unsetenv("MLFLOW_HTTP_REQUEST_TIMEOUT");
    SCRIPT(f, drips);
    setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1", 1); /* read when the client is opened, at the first use */
    assert_ok(read_text(f, PLACE "f", &text, &err));
    unsetenv("MLFLOW_HTTP_REQUEST_TIMEOUT");
    assert_string_equal(text.data, "0123456789");
    SCRIPT(f, silent);
    assert_status(read_text(f, PLACE "f", &text, &err), MLPLAT_TIMEOUT);
    assert_non_null(strstr(err.message, "no answer came within 1000 ms"));
    mlp_buf_free(&text);
}

/* ---- whom it is asked of ---------------------------------------------------------------------------------------- */

static void a_uri_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "mlflow-artifacts:/a/../b",
        "mlflow-artifacts:/a/%2e%2e/b",
        "mlflow-artifacts:/a%00b",
        "mlflow-artifacts:/a%2541",
        "mlflow-artifacts:/a#b",
        "mlflow-artifacts:/a/b?",
        "mlflow-artifacts:/a;/b",
        "mlflow-artifacts:/a;?b",
        "mlflow-artifacts://user@host/a",
        "http://127.0.0.1:1/somewhere/else",
        "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifactsx/a",
        "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifacts/a?x=1",
        "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifacts/../a",
        "mlflow-artifacts://no host/a",
    };
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    loopback_script(f->server, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(put(f, bad[i], &err), MLPLAT_INVALID);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void a_uri_has_one_form(void **state)
{
    static const struct {
        const char *uri, *shown;
    } cases[] = {
        {"mlflow-artifacts:/0//run/", "mlflow-artifacts:/0/run"},
        {"mlflow-artifacts:0/run", "mlflow-artifacts:/0/run"},
        {"mlflow-artifacts:/", "mlflow-artifacts:/"},
        {"mlflow-artifacts:/a%20b/%C3%9F", "mlflow-artifacts:/a b/\xc3\x9f"},
        {"mlflow-artifacts:/100%.txt", "mlflow-artifacts:/100%.txt"},
        {"mlflow-artifacts://host:50/x", "mlflow-artifacts://host:50/x"},
        {"HTTP://host/ml/api/2.0/mlflow-artifacts/artifacts/x",
         "http://host/ml/api/2.0/mlflow-artifacts/artifacts/x"},
        {"https://host/api/2.0/mlflow-artifacts/artifacts", "https://host/api/2.0/mlflow-artifacts/artifacts"},
    };
    fixture *f = *state;
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *shown = NULL;
        assert_ok(mlplat_artifact_resolve(f->ml, cases[i].uri, &shown, &err));
        assert_string_equal(shown, cases[i].shown);
        mlplat_free(shown);
    }
}

static void without_a_server_there_is_none_to_ask(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    NEEDS_HTTP(f);
    mlplat *embedded = open_session(f, "sqlite:////nonexistent/x.db", NULL);
    assert_status(mlplat_artifact_put_bytes(embedded, "x", 1, PLACE "f", &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "MLFLOW_TRACKING_URI"));
    mlplat_close(embedded);
}

/* Our name and password are for the tracking server: another host gets what is put there, and no secret. */
static void another_host_gets_no_credentials(void **state)
{
    static const loopback_step steps[] = {{.reply = nothing}};
    fixture *f = *state;
    mlplat_error err = {0};
    char host[100];
    NEEDS_HTTP(f);
    setenv("MLFLOW_TRACKING_TOKEN", "hidden-word", 1);
    mlplat_close(f->ml);
    set_up(f);
    SCRIPT(f, steps);
    assert_ok(put(f, PLACE "ten/f", &err));
    snprintf(host, sizeof host, "mlflow-artifacts://localhost:%d/ten/f", loopback_port(f->server));
    assert_ok(put(f, host, &err));
    snprintf(host, sizeof host, "mlflow-artifacts://127.0.0.1:%d/eleven/f", loopback_port(f->server));
    assert_ok(put(f, host, &err));
    unsetenv("MLFLOW_TRACKING_TOKEN");
    assert_int_equal(loopback_requests(f->server), 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(sent(f, i, "hidden-word"), i < 2 || i > 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_hostile_list_is_refused_whole),
        CASE(lists_that_are_none_are_corrupt),
        CASE(a_list_of_names_with_slashes_or_nul_is_refused),
        CASE(sizes_come_as_numbers_or_text),
        CASE(a_cut_download_comes_again),
        CASE(a_file_that_changes_between_two_tries_is_told),
        CASE(a_partial_download_never_has_the_name_of_the_file),
        CASE(what_cannot_be_read_is_told_at_once),
        CASE(a_page_to_log_in_is_no_file),
        CASE(a_name_that_an_old_server_cannot_send_is_told),
        CASE(a_file_is_sent_again_from_its_begin),
        CASE(a_server_that_wants_the_length_gets_it),
        CASE(a_folder_in_the_way_is_told_before_anything_is_sent),
        CASE(a_file_among_the_folders_is_told),
        CASE(a_server_without_the_proxy_is_told_at_once),
        CASE(a_file_that_cannot_be_read_is_told),
        CASE(a_file_that_becomes_shorter_is_not_stored),
        CASE(a_caller_may_stop_while_the_server_thinks),
        CASE(a_slow_line_is_waited_for_and_a_silent_server_is_not),
        CASE(a_uri_that_is_none_is_refused),
        CASE(a_uri_has_one_form),
        CASE(without_a_server_there_is_none_to_ask),
        CASE(another_host_gets_no_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
