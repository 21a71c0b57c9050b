/* Hashes against published vectors. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "cmocka_all.h"

/* NIST CAVP / FIPS 180-4 examples. */
static const struct {
    const char *text, *hex;
} vectors[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
               {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
               {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
               {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqkl"
                "mnopqrlmnopqrsmnopqrst"
                "nopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"}};

static void digest_pieces(char hex[65], const void *data, size_t n, size_t piece)
{
    nnc_sha256 ctx;
    uint8_t digest[32];
    nnc_sha256_init(&ctx);
    for (size_t i = 0; i < n; i += piece) {
        nnc_sha256_update(&ctx, (const char *)data + i, n - i < piece ? n - i : piece);
    }
    nnc_sha256_final(&ctx, digest);
    nnc_sha256_hex(digest, hex);
}

static void test_sha256_vectors(void **state)
{
    (void)state;
    char hex[65];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        for (size_t piece = 1; piece < 130; piece += 3) {
            digest_pieces(hex, vectors[i].text, strlen(vectors[i].text), piece);
            assert_string_equal(hex, vectors[i].hex);
        }
    }
    static char million[1000000];
    memset(million, 'a', sizeof million);
    for (size_t piece = 1; piece <= sizeof million; piece = piece * 7 + 1) {
        digest_pieces(hex, million, sizeof million, piece);
        assert_string_equal(hex,
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

static void test_sha256_file(void **state)
{
    (void)state;
    char path[] = "/tmp/nnc-test-hash-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char hex[65];
    assert_int_equal(nnc_sha256_file(hex, path), NNC_OK);
    assert_string_equal(hex, vectors[0].hex);
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(nnc_sha256_file(hex, path), NNC_OK);
    assert_string_equal(hex, vectors[1].hex);
    close(fd);
    unlink(path);
    assert_int_equal(nnc_sha256_file(hex, path), NNC_ERR_IO);
}

static void test_hash64(void **state)
{
    (void)state;
    /* XXH3_64bits of no bytes, seed 0 (xxHash specification). */
    assert_true(nnc_hash64("", 0, 0) == 0x2D06800538D394C2ull);
    assert_true(nnc_hash64("", 0, 1) != nnc_hash64("", 0, 0));
    assert_true(nnc_hash64("abc", 3, 0) == 0x78AF5F94892F3950ull);
    static const char data[300] = "model";
    for (size_t i = 1; i < sizeof data; i++) {
        assert_true(nnc_hash64(data, i, 0) != nnc_hash64(data, i - 1, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha256_vectors),
                                       cmocka_unit_test(test_sha256_file),
                                       cmocka_unit_test(test_hash64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
