/* Text: UTF-8, numbers in any locale, percent coding. */
#include "support/support.h"
#include "base/alloc.h"
#include "base/text.h"
#include <float.h>
#include <locale.h>
#include <math.h>

static void only_shortest_utf8_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x8c\x8d", true},
        {"\xf4\x8f\xbf\xbf", true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", false}, /* above it */
        {"\xc0\xaf", false},         /* "/" in two bytes */
        {"\xc1\xbf", false},
        {"\xe0\x80\xaf", false},     /* "/" in three */
        {"\xf0\x80\x80\xaf", false}, /* "/" in four */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\x80", false},
        {"a\xc3", false},
        {"\xe2\x82", false},
        {"\xf0\x9f\x8c", false},
        {"\xc3(", false},
        {"\xfe", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (mlp_text_utf8(cases[i].text, strlen(cases[i].text)) != cases[i].valid)
            fail_msg("case %zu", i);
}

static void characters_are_counted_and_cut_whole(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8d!";
    static const size_t bytes[] = {0, 1, 3, 6, 10, 11, 11};
    assert_int_equal(mlp_text_length(text), 5);
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        assert_int_equal(mlp_text_cut(text, i), bytes[i]);
}

static void ends_are_compared(void **state)
{
    (void)state;
    assert_true(mlp_text_starts("runs:/x", "runs:"));
    assert_false(mlp_text_starts("run", "runs:"));
    const char *word = "a@b@c";
    assert_ptr_equal(mlp_text_last(word, '@', 5), word + 3);
    assert_ptr_equal(mlp_text_last(word, '@', 3), word + 1);
    assert_null(mlp_text_last(word, '@', 1));
    assert_null(mlp_text_last(word, '@', 0));
    assert_true(mlp_text_ends("a.json", ".json"));
    assert_false(mlp_text_ends("json", ".json"));
}

static void integers_are_whole_and_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"+-1", false, 0},
        {"- 1", false, 0},
        {"0x10", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        if (mlp_text_int64(cases[i].text, &value) != cases[i].ok || value != cases[i].value)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)value);
    }
}

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {1.0, "1.0"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {0.30000000000000004, "0.30000000000000004"},
    {100.0, "100.0"},
    {123456.789, "123456.789"},
    {0.0001, "0.0001"},
    {0.00001, "1e-05"},
    {0.00012345, "0.00012345"},
    {1e15, "1000000000000000.0"},
    {1e16, "1e+16"},
    {1.5e300, "1.5e+300"},
    {1e22, "1e+22"},
    {9007199254740993.0, "9007199254740992.0"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {5e-324, "5e-324"},
    {7.120236347223045e-307, "7.120236347223045e-307"}, /* a power of two */
    {1e-310, "1e-310"},
    {INFINITY, "Infinity"},
    {-INFINITY, "-Infinity"},
    {NAN, "NaN"},
};

static void check_doubles(void)
{
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        char text[32];
        double back = 0;
        mlp_text_double(doubles[i].value, text);
        assert_string_equal(text, doubles[i].text);
        if (isfinite(doubles[i].value)) {
            assert_true(mlp_text_to_double(text, &back));
            assert_memory_equal(&back, &doubles[i].value, sizeof back);
        }
    }
}

static void doubles_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    check_doubles();
}

static void any_double_reads_back_equal(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252ULL;
    for (int i = 0; i < 100000; i++) {
        double value, back;
        char text[32];
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        mlp_text_double(value, text);
        if (!mlp_text_to_double(text, &back) || back != value)
            fail_msg("%a became %s", value, text);
    }
}

static void numbers_do_not_follow_the_hosts_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++)
        if (setlocale(LC_NUMERIC, locales[i]))
            check_doubles(); /* where the system has none of them, C is all there is */
    setlocale(LC_NUMERIC, "C");
    check_doubles();
}

static void decimals_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ".",   "e5",    "1,5", "1.5x", " 1",   "1 ",
                                      "nan", "inf", "0x1p3", "1e",  "--1",  "1.2.3"};
    static const char *const good[] = {"1", "-1.5", "+.5", "5.", "1e5", "1E-5", "1.5e+3"};
    static const double want[] = {1, -1.5, 0.5, 5, 1e5, 1e-5, 1500};
    double value = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (mlp_text_to_double(bad[i], &value))
            fail_msg("'%s' was taken", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(mlp_text_to_double(good[i], &value));
        assert_true(value == want[i]);
    }
}

static void text_for_messages_is_printable_and_short(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t limit;
        const char *out;
    } cases[] = {
        {"plain", 10, "'plain'"},
        {"", 10, "''"},
        {"a\nb\x7f", 10, "'a\\x0ab\\x7f'"},
        {"\xff\xc3", 10, "'\\xff\\xc3'"},
        {"\xc3\xa9\xc3\xa9\xc3\xa9", 2, "'\xc3\xa9\xc3\xa9...'"},
        {"abc", 3, "'abc'"},
        {"abcd", 3, "'abc...'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlp_buf b = {0};
        mlp_text_quote(&b, cases[i].in, cases[i].limit);
        assert_string_equal(b.data, cases[i].out);
        mlp_buf_free(&b);
    }
}

static void percent_escapes_are_decoded_once(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a%20b", "a b"},   {"%2e%2E", ".."}, {"%252e", "%2e"},       {"100%", "100%"}, {"%4", "%4"},
        {"%zz%41", "%zzA"}, {"%00x", "%00x"}, {"%c3%a9", "\xc3\xa9"}, {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mlp_text_unpercent(cases[i][0]);
        assert_string_equal(text, cases[i][1]);
        mlp_free(text);
    }
}

static void percent_escapes_cover_all_but_the_safe(void **state)
{
    (void)state;
    mlp_buf b = {0};
    mlp_text_percent(&b, "a-Z_0.~/ ?#%\xc3\xa9+", "/");
    assert_string_equal(b.data, "a-Z_0.~/%20%3F%23%25%C3%A9%2B");
    mlp_buf_free(&b);
}

static void broken_text_is_repaired_in_place(void **state)
{
    (void)state;
    char text[] = "a\xff\xc3\xa9\n\xe2\x82 b\x7f";
    mlp_text_repair(text);
    assert_string_equal(text, "a?\xc3\xa9 ?? b ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_shortest_utf8_is_taken),
        cmocka_unit_test(characters_are_counted_and_cut_whole),
        cmocka_unit_test(ends_are_compared),
        cmocka_unit_test(integers_are_whole_and_fit),
        cmocka_unit_test(doubles_are_as_short_as_they_can_be),
        cmocka_unit_test(any_double_reads_back_equal),
        cmocka_unit_test(numbers_do_not_follow_the_hosts_locale),
        cmocka_unit_test(decimals_are_read_whole_or_not_at_all),
        cmocka_unit_test(text_for_messages_is_printable_and_short),
        cmocka_unit_test(percent_escapes_are_decoded_once),
        cmocka_unit_test(percent_escapes_cover_all_but_the_safe),
        cmocka_unit_test(broken_text_is_repaired_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
