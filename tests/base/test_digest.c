/* CRC32C by the known vectors, with and without hardware; random ids. */
#include "support/support.h"
#include "base/digest.h"
#include "base/os.h"
#include <errno.h>

typedef uint32_t (*crc_fn)(uint32_t crc, const void *data, size_t n);

static void check_vectors(crc_fn crc)
{
    unsigned char bytes[32];
    assert_int_equal(crc(0, "", 0), 0);
    assert_int_equal(crc(0, "a", 1), 0xc1d04330u);
    assert_int_equal(crc(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc(0, bytes, 32), 0x8a9136aau); /* RFC 3720, B.4 */
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc(0, bytes, 32), 0x62a8ab43u);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc(0, bytes, 32), 0x46dd794eu);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc(0, bytes, 32), 0x113fdb5cu);
}

static void known_vectors_come_out(void **state)
{
    (void)state;
    check_vectors(mlp_crc32c_table);
    check_vectors(mlp_crc32c);
}

static void hardware_and_table_agree_at_every_length_and_offset(void **state)
{
    (void)state;
    unsigned char bytes[600];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(x >> 24);
    }
    for (size_t offset = 0; offset < 9; offset++)
        for (size_t n = 0; n + offset <= sizeof bytes; n++)
            assert_int_equal(mlp_crc32c((uint32_t)n, bytes + offset, n),
                             mlp_crc32c_table((uint32_t)n, bytes + offset, n));
}

static void a_checksum_goes_on_where_it_stopped(void **state)
{
    (void)state;
    static const char text[] = "a record, written in two pieces";
    for (size_t cut = 0; cut < sizeof text; cut++)
        assert_int_equal(mlp_crc32c(mlp_crc32c(0, text, cut), text + cut, sizeof text - cut),
                         mlp_crc32c(0, text, sizeof text));
}

static void ids_are_version_4_and_differ(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char ids[100][33];
    for (int i = 0; i < 100; i++) {
        assert_ok(mlp_random_hex(ids[i], &err));
        assert_int_equal(strlen(ids[i]), 32);
        assert_int_equal(strspn(ids[i], "0123456789abcdef"), 32);
        assert_int_equal(ids[i][12], '4');
        assert_non_null(strchr("89ab", ids[i][16]));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

static int no_random(void *buf, size_t n)
{
    (void)buf, (void)n;
    errno = ENOSYS;
    return -1;
}

static void without_random_numbers_there_is_no_id(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char id[33];
    mlp_os table = *mlp_os_default();
    table.random = no_random;
    mlp_os_replace(&table);
    assert_status(mlp_random_hex(id, &err), MLPLAT_IO);
    mlp_os_replace(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors_come_out),
        cmocka_unit_test(hardware_and_table_agree_at_every_length_and_offset),
        cmocka_unit_test(a_checksum_goes_on_where_it_stopped),
        cmocka_unit_test(ids_are_version_4_and_differ),
        cmocka_unit_test(without_random_numbers_there_is_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
