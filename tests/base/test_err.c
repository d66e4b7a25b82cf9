/* Errors and log lines: one line of UTF-8, no secret, the truth about errno. */
#include "support/support.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <unistd.h>

static void every_status_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "OK",        "INVALID", "NOT_FOUND", "EXISTS",   "CONFLICT",  "DENIED",      "UNAVAILABLE", "TIMEOUT",
        "CANCELLED", "CORRUPT", "IO",        "NO_SPACE", "NO_MEMORY", "UNSUPPORTED", "STATE",
    };
    for (int i = 0; i <= MLPLAT_STATE; i++)
        assert_string_equal(mlplat_status_name((mlplat_status)i), names[i]);
    assert_string_equal(mlplat_status_name((mlplat_status)15), "UNKNOWN");
    assert_string_equal(mlplat_status_name((mlplat_status)-1), "UNKNOWN");
}

static void a_null_error_is_fine(void **state)
{
    (void)state;
    assert_int_equal(mlp_fail(NULL, MLPLAT_STATE, "%s", "x"), MLPLAT_STATE);
    assert_int_equal(mlp_fail_errno(NULL, ENOENT, "x"), MLPLAT_NOT_FOUND);
    assert_int_equal(mlp_fail_prefix(NULL, MLPLAT_IO, "x"), MLPLAT_IO);
    assert_int_equal(mlp_fail_memory(NULL), MLPLAT_NO_MEMORY);
    assert_int_equal(mlp_fail_cancelled(NULL, "x"), MLPLAT_CANCELLED);
}

static void errno_says_which_status(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        mlplat_status want;
    } cases[] = {
        {ENOENT, MLPLAT_NOT_FOUND}, {EACCES, MLPLAT_DENIED},   {EPERM, MLPLAT_DENIED},         {EROFS, MLPLAT_DENIED},
        {ENOSPC, MLPLAT_NO_SPACE},  {EDQUOT, MLPLAT_NO_SPACE}, {EFBIG, MLPLAT_NO_SPACE},       {EEXIST, MLPLAT_EXISTS},
        {ENOMEM, MLPLAT_NO_MEMORY}, {EIO, MLPLAT_IO},          {ENAMETOOLONG, MLPLAT_INVALID}, {EMFILE, MLPLAT_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_error err = {.http_status = 404, .retryable = 1};
        assert_int_equal(mlp_fail_errno(&err, cases[i].errnum, "file '%s'", "f"), cases[i].want);
        assert_int_equal(err.status, cases[i].want);
        assert_int_equal(err.http_status, 0);
        assert_true(mlp_text_starts(err.message, "file 'f': "));
        assert_true(strlen(err.message) > 10);
    }
}

static void words_go_in_front_and_details_stay(void **state)
{
    (void)state;
    mlplat_error err = {.status = MLPLAT_UNAVAILABLE, .http_status = 503, .retryable = 1, .message = "server is away"};
    assert_int_equal(mlp_fail_prefix(&err, MLPLAT_IO, "while replaying %s", "j1"), MLPLAT_UNAVAILABLE);
    assert_string_equal(err.message, "while replaying j1: server is away");
    assert_int_equal(err.http_status, 503);
    assert_int_equal(err.retryable, 1);
    mlp_fail(&err, MLPLAT_IO, "again: %s", err.message); /* the message as its own argument */
    assert_string_equal(err.message, "again: while replaying j1: server is away");
}

static void a_message_is_one_line_of_utf8_cut_at_a_character(void **state)
{
    (void)state;
    mlplat_error err = {0};
    mlp_fail(&err, MLPLAT_INVALID, "bad\nkey\t'%s'", "a\xff\xc3");
    assert_string_equal(err.message, "bad key 'a?"
                                     "?'");
    for (int shift = 0; shift < 4; shift++) {
        char text[1200] = "xxxx";
        for (size_t i = (size_t)shift; i + 5 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x8c\x8d", 5);
        mlp_fail(&err, MLPLAT_INVALID, "%s", text);
        size_t n = strlen(err.message);
        assert_true(n < sizeof err.message && n > sizeof err.message - 9);
        assert_true(mlp_text_utf8(err.message, n));
        assert_true(mlp_text_ends(err.message, "..."));
    }
}

static void a_secret_is_gone_even_where_the_message_is_cut(void **state)
{
    (void)state;
    mlplat_error err = {0};
    for (int fill = 440; fill < 505; fill++) {
        mlp_fail(&err, MLPLAT_DENIED, "%*s http://me:hunter2@host/ token=hunter2", fill, "x");
        assert_null(strstr(err.message, "hunter"));
        assert_null(strstr(err.message, "hun..."));
    }
}

static const struct {
    const char *in, *out;
} secrets[] = {
    {"http://user:hunter2@host:5000/x", "http://***@host:5000/x"},
    {"postgresql://u:p/w@db/x and http://h/a@b", "postgresql://***@db/x and http://h/a@b"},
    {"http://token@host", "http://***@host"},
    {"http://host:5000/users@x", "http://host:5000/users@x"},
    {"s3://bucket/a@b", "s3://bucket/a@b"},
    {"models:/m@champion", "models:/m@champion"},
    {"a http://a:b1@h, c http://c:d1@h", "a http://***@h, c http://***@h"},
    {"password=hunter2", "password=***"},
    {"PASSWORD = hunter2 x", "PASSWORD = *** x"},
    {"db_password=hunter2&x=1", "db_password=***&x=1"},
    {"MLFLOW_TRACKING_TOKEN=hunter2", "MLFLOW_TRACKING_TOKEN=***"},
    {"{\"password\": \"hunt\\\"er2\", \"x\": 1}", "{\"password\": \"***\", \"x\": 1}"},
    {"{\\\"token\\\": \\\"hunter2\\\"}", "{\\\"token\\\": \\\"***\\\"}"},
    {"{'secret': 'hunter2'}", "{'secret': '***'}"},
    {"aws_secret_access_key=hunter2/+x", "aws_secret_access_key=***"},
    {"api_key: hunter2", "api_key: ***"},
    {"key=hunter2", "key=***"},
    {"{\"key\": \"loss\", \"value\": 1}", "{\"key\": \"loss\", \"value\": 1}"},
    {"Authorization: Basic aHVudGVyMg==\r\nHost: h", "Authorization: ***\r\nHost: h"},
    {"authorization=Bearer hunter2", "authorization=***"},
    {"sent Bearer hunter2 to h", "sent Bearer *** to h"},
    {"the bearer token was refused", "the bearer token was refused"},
    {"id AKIAIOSFODNN7EXAMPLE here", "id *** here"},
    {"X-Amz-Signature=abc123&x", "X-Amz-Signature=***&x"},
    {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2ln end", "jwt *** end"},
    {"token=a", "token=*"},
    {"token=", "token="},
    {"run 3f2a not found: step 1", "run 3f2a not found: step 1"},
    {"", ""},
};

static void secrets_are_replaced_and_words_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s", secrets[i].in);
        mlp_redact(text);
        assert_string_equal(text, secrets[i].out);
        mlp_redact(text); /* once is enough */
        assert_string_equal(text, secrets[i].out);
    }
}

typedef struct caught {
    mlplat_log_level level;
    char line[300];
    int count;
} caught;

static void catch_line(void *user, mlplat_log_level level, const char *line)
{
    caught *c = user;
    c->level = level;
    c->count++;
    snprintf(c->line, sizeof c->line, "%s", line);
}

static void a_listener_gets_every_line_redacted(void **state)
{
    (void)state;
    caught c = {0};
    mlp_logger logger = {catch_line, &c};
    errno = EBADF;
    mlp_log(&logger, MLPLAT_LOG_DEBUG, "open %s", "http://u:hunter2@h\n");
    assert_int_equal(errno, EBADF);
    assert_int_equal(c.level, MLPLAT_LOG_DEBUG);
    assert_string_equal(c.line, "open http://***@h ");
    assert_int_equal(c.count, 1);
}

static void nobody_listens_and_warnings_go_to_stderr(void **state)
{
    (void)state;
    char text[200] = "";
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    mlp_log(NULL, MLPLAT_LOG_INFO, "quiet");
    mlp_log(NULL, MLPLAT_LOG_WARNING, "three records wait");
    mlp_log(&(mlp_logger){0}, MLPLAT_LOG_ERROR, "token=hunter2");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    for (ssize_t n, at = 0; (n = read(ends[0], text + at, sizeof text - 1 - (size_t)at)) > 0;)
        at += n;
    close(ends[0]);
    assert_string_equal(text, "mlplat: warning: three records wait\nmlplat: error: token=***\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(a_null_error_is_fine),
        cmocka_unit_test(errno_says_which_status),
        cmocka_unit_test(words_go_in_front_and_details_stay),
        cmocka_unit_test(a_message_is_one_line_of_utf8_cut_at_a_character),
        cmocka_unit_test(a_secret_is_gone_even_where_the_message_is_cut),
        cmocka_unit_test(secrets_are_replaced_and_words_are_not),
        cmocka_unit_test(a_listener_gets_every_line_redacted),
        cmocka_unit_test(nobody_listens_and_warnings_go_to_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
