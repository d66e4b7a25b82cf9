/* Options of programs that were built against other headers. */
#include "base/take.h"
#include "support/support.h"
#include <string.h>

typedef struct options {
    size_t size;
    const char *first, *second;
} options;

static void what_is_not_given_stays(void **state)
{
    const char *older[2] = {NULL, "mine"};
    size_t size = sizeof older;
    options to = {sizeof to, "a", "b"};
    (void)state;
    assert_int_equal(MLP_TAKE(&to, NULL, OPTIONS_INIT, NULL), MLPLAT_OK);
    assert_string_equal(to.first, "a");
    memcpy(older, &size, sizeof size);
    assert_int_equal(MLP_TAKE(&to, older, OPTIONS_INIT, NULL), MLPLAT_OK);
    assert_string_equal(to.first, "mine");
    assert_string_equal(to.second, "b");
}

static void what_a_newer_program_adds_is_not_read(void **state)
{
    struct {
        options known;
        const char *third;
    } newer = {{sizeof newer, "x", "y"}, "z"};
    struct {
        options to;
        const char *after;
    } mine = {{sizeof mine.to, NULL, NULL}, "kept"};
    (void)state;
    assert_int_equal(MLP_TAKE(&mine.to, &newer, OPTIONS_INIT, NULL), MLPLAT_OK);
    assert_string_equal(mine.to.second, "y");
    assert_string_equal(mine.after, "kept");
}

static void a_size_that_was_never_set_is_told(void **state)
{
    options given = {0, "x", "y"}, to = {sizeof to, "a", "b"};
    mlplat_error err = {0};
    (void)state;
    assert_int_equal(MLP_TAKE(&to, &given, OPTIONS_INIT, &err), MLPLAT_INVALID);
    assert_string_equal(err.message, "&given: size is 0: start from OPTIONS_INIT");
    assert_string_equal(to.first, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_stays),
        cmocka_unit_test(what_a_newer_program_adds_is_not_read),
        cmocka_unit_test(a_size_that_was_never_set_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
