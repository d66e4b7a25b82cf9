#include "base/digest.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__)
#include <arm_acle.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/*
 * Slice by 8. A CRC is linear: the entry of i is the XOR of the entries of i's bits, so a row of 256 follows from 8
 * numbers, and the compiler writes it out. Row k is the CRC of a byte followed by k zero bytes.
 */
#define X1(v, a)                   (v), (v) ^ (a)
#define X2(v, a, b)                X1(v, a), X1((v) ^ (b), a)
#define X3(v, a, b, c)             X2(v, a, b), X2((v) ^ (c), a, b)
#define X4(v, a, b, c, d)          X3(v, a, b, c), X3((v) ^ (d), a, b, c)
#define X5(v, a, b, c, d, e)       X4(v, a, b, c, d), X4((v) ^ (e), a, b, c, d)
#define X6(v, a, b, c, d, e, f)    X5(v, a, b, c, d, e), X5((v) ^ (f), a, b, c, d, e)
#define X7(v, a, b, c, d, e, f, g) X6(v, a, b, c, d, e, f), X6((v) ^ (g), a, b, c, d, e, f)
#define ROW(a, b, c, d, e, f, g, h)                                                                                    \
    {                                                                                                                  \
        X7(0u, a, b, c, d, e, f, g), X7(h, a, b, c, d, e, f, g)                                                        \
    }

#ifdef MLPLAT_MINIMAL
enum { ROWS = 1 }; /* 7 KB less, for the few processors that do not know the instruction */
#else
enum { ROWS = 8 };
#endif
static const uint32_t table[ROWS][256] = {
    ROW(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u),
#ifndef MLPLAT_MINIMAL
    ROW(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u),
    ROW(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u),
    ROW(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu),
    ROW(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu, 0x6ea2d55cu),
    ROW(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du, 0x0e045bebu, 0x1c08b7d6u),
    ROW(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au, 0xf56e0ef4u),
    ROW(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u, 0x1a00cb32u, 0x34019664u),
#endif
};

uint32_t mlp_crc32c_table(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *at = data;
    uint32_t c = ~crc;
#ifndef MLPLAT_MINIMAL
    for (; n >= 8; n -= 8, at += 8) {
        uint32_t low = c ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
        c = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
            table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
    }
#endif
    for (; n; n--, at++)
        c = table[0][(c ^ *at) & 0xff] ^ c >> 8;
    return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *at = data;
    uint64_t c = ~crc;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    if (n >= 4) {
        uint32_t word;
        memcpy(&word, at, 4);
        c = __builtin_ia32_crc32si((uint32_t)c, word);
        n -= 4, at += 4;
    }
    for (; n; n--, at++)
        c = __builtin_ia32_crc32qi((uint32_t)c, *at);
    return ~(uint32_t)c;
}

/* Asked once, as a virtual machine takes microseconds. __builtin_cpu_supports() would bring 5 KB of other features. */
static bool has_sse42(void)
{
    static _Atomic int known;
    int says = atomic_load_explicit(&known, memory_order_relaxed);
    if (!says) {
        unsigned a, b, c = 0, d;
        says = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) ? 1 : -1;
        atomic_store_explicit(&known, says, memory_order_relaxed);
    }
    return says > 0;
}
#define HAVE_HARDWARE() has_sse42()
#elif defined(__ARM_FEATURE_CRC32) || (defined(__aarch64__) && defined(__linux__) && defined(__GNUC__))
__attribute__((target("+crc"))) static uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *at = data;
    uint32_t c = ~crc;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        c = __crc32cd(c, word);
    }
    for (; n; n--, at++)
        c = __crc32cb(c, *at);
    return ~c;
}
#ifdef __ARM_FEATURE_CRC32
#define HAVE_HARDWARE() 1
#else
#define HAVE_HARDWARE() ((getauxval(AT_HWCAP) & HWCAP_CRC32) != 0)
#endif
#endif

uint32_t mlp_crc32c(uint32_t crc, const void *data, size_t n)
{
#ifdef HAVE_HARDWARE
    if (HAVE_HARDWARE())
        return crc32c_hardware(crc, data, n);
#endif
    return mlp_crc32c_table(crc, data, n);
}

mlplat_status mlp_random_hex(char out[33], mlplat_error *err)
{
    unsigned char bytes[16];
    if (mlp_sys.random(bytes, sizeof bytes) == -1)
        return mlp_fail_errno(err, errno, "the system gives no random numbers");
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    mlp_text_hex(bytes, sizeof bytes, out);
    return MLPLAT_OK;
}
