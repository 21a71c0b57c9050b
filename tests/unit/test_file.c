/* Reading, mapping and atomic output. SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka_all.h"

/* Each test runs inside a fresh folder, which is its current one. */
static int setup(void **state)
{
    char *dir = strdup("/tmp/nnc-test-file-XXXXXX");
    if (dir == NULL || mkdtemp(dir) == NULL || chdir(dir) != 0) {
        return -1;
    }
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -rf '%s'", (char *)*state,
             (char *)*state);
    int result = chdir("/tmp") == 0 ? system(command) : -1;
    free(*state);
    return result;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void check_content(const char *path, const char *text)
{
    nnc_file_map map;
    assert_int_equal(nnc_file_map_open(&map, path, 0), NNC_OK);
    assert_int_equal(map.bytes, strlen(text));
    assert_memory_equal(map.data, text, map.bytes);
    nnc_file_map_close(&map);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    closedir(dir);
    return n;
}

static void check_message(const char *part)
{
    if (strstr(nnc_error_message(), part) == NULL) {
        fail_msg("message \"%s\" lacks \"%s\"", nnc_error_message(), part);
    }
}

static void test_open(void **state)
{
    (void)state;
    int fd;
    uint64_t bytes;
    put("model.onnx", "12345");
    assert_int_equal(nnc_file_open(&fd, &bytes, "model.onnx"), NNC_OK);
    assert_int_equal(bytes, 5);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
    assert_int_equal(nnc_file_open(&fd, &bytes, "modle.onnx"), NNC_ERR_IO);
    check_message("did you mean 'model.onnx'?");
    assert_int_equal(nnc_file_open(&fd, &bytes, "./mdel.onnx"), NNC_ERR_IO);
    check_message("did you mean 'model.onnx'?");
    assert_int_equal(nnc_file_open(&fd, &bytes, "entirely-else"), NNC_ERR_IO);
    assert_string_equal(nnc_error_message(), "cannot open 'entirely-else': no such file");
    assert_int_equal(nnc_file_open(&fd, &bytes, "nofolder/model.onnx"), NNC_ERR_IO);
    check_message("folder 'nofolder'");
    assert_int_equal(nnc_file_open(&fd, &bytes, "model.onnx/x"), NNC_ERR_IO);
    assert_int_equal(nnc_file_open(&fd, &bytes, ""), NNC_ERR_IO);
    static char long_name[6000];
    memset(long_name, 'n', sizeof long_name - 1);
    assert_int_equal(nnc_file_open(&fd, &bytes, long_name), NNC_ERR_IO);
    put("evil\x1b.onnx", "x");
    assert_int_equal(nnc_file_open(&fd, &bytes, "evil.onnx"), NNC_ERR_IO);
    check_message("did you mean 'evil\\x1b.onnx'?");
}

static void test_open_not_a_file(void **state)
{
    (void)state;
    int fd;
    uint64_t bytes;
    assert_int_equal(mkdir("sub", 0777), 0);
    assert_int_equal(nnc_file_open(&fd, &bytes, "sub"), NNC_ERR_IO);
    assert_string_equal(nnc_error_message(), "'sub' is a directory");
    put("sub/model.onnx", "");
    assert_int_equal(nnc_file_open(&fd, &bytes, "sub"), NNC_ERR_IO);
    assert_string_equal(nnc_error_message(),
                        "'sub' is a directory; it contains model.onnx, pass that");
    put("sub/a.onnx", "");
    assert_int_equal(nnc_file_open(&fd, &bytes, "sub/"), NNC_ERR_IO);
    check_message("2 .onnx files (a.onnx, ...)");
    assert_int_equal(mkfifo("pipe", 0666), 0);
    assert_int_equal(nnc_file_open(&fd, &bytes, "pipe"), NNC_ERR_IO);
    check_message("is a pipe, not a regular file");
    assert_int_equal(nnc_file_open(&fd, &bytes, "/dev/null"), NNC_ERR_IO);
    check_message("is a device");
    assert_int_equal(symlink("self", "self"), 0);
    assert_int_equal(nnc_file_open(&fd, &bytes, "self"), NNC_ERR_IO);
}

static void test_map(void **state)
{
    (void)state;
    nnc_file_map map;
    put("empty", "");
    assert_int_equal(nnc_file_map_open(&map, "empty", 0), NNC_OK);
    assert_non_null(map.data);
    assert_int_equal(map.bytes, 0);
    nnc_file_map_close(&map);
    nnc_file_map_close(&map);
    put("ten", "0123456789");
    assert_int_equal(nnc_file_map_open(&map, "ten", 10), NNC_OK);
    assert_memory_equal(map.data, "0123456789", 10);
    nnc_file_map_close(&map);
    assert_int_equal(nnc_file_map_open(&map, "ten", 9), NNC_ERR_LIMIT);
    check_message("'ten' has 10 bytes, the limit is 9");
    assert_int_equal(nnc_file_map_open(&map, "te", 9), NNC_ERR_IO);
}

static void test_map_part(void **state)
{
    (void)state;
    enum { N = 3 * 4096 + 100 };
    static char data[N + 1];
    for (int i = 0; i < N; i++) {
        data[i] = (char)('a' + i % 23);
    }
    put("big", data);
    int fd = open("big", O_RDONLY);
    nnc_file_map map;
    static const size_t offsets[] = {0, 1, 4095, 4096, 5000, N - 1, N};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        assert_int_equal(nnc_file_map_fd(&map, fd, offsets[i], N - offsets[i]), NNC_OK);
        assert_memory_equal(map.data, data + offsets[i], N - offsets[i]);
        nnc_file_map_close(&map);
        assert_int_equal(nnc_file_map_fd(&map, fd, offsets[i], N - offsets[i] + 1), NNC_ERR_IO);
    }
    assert_int_equal(nnc_file_map_fd(&map, fd, UINT64_MAX, 1), NNC_ERR_IO);
    assert_int_equal(nnc_file_map_fd(&map, fd, 1, SIZE_MAX), NNC_ERR_IO);
    assert_int_equal(nnc_file_map_fd(&map, fd, N + 1, 0), NNC_ERR_IO);
    close(fd);
    assert_int_equal(nnc_file_map_fd(&map, fd, 0, 1), NNC_ERR_IO);
}

static void test_commit_new(void **state)
{
    (void)state;
    nnc_file_out *out;
    const char *temp;
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "hello ", 6), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "", 0), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "world", 5), NNC_OK);
    assert_false(nnc_file_exists("m.onnx"));
    assert_int_equal(nnc_file_out_sync(out, &temp), NNC_OK);
    assert_non_null(strstr(temp, ".m.onnx.nnc-"));
    check_content(temp, "hello world");
    assert_int_equal(nnc_file_out_write(out, "!", 1), NNC_OK);
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    check_content("m.onnx", "hello world!");
    assert_int_equal(entries("."), 1);
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat("m.onnx", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
}

static void test_existing_target(void **state)
{
    (void)state;
    nnc_file_out *out;
    put("m.onnx", "old");
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW), NNC_ERR_IO);
    assert_null(out);
    assert_string_equal(nnc_error_message(), "output 'm.onnx' already exists");
    assert_int_equal(nnc_file_check_output("m.onnx", false), NNC_ERR_IO);
    assert_int_equal(nnc_file_check_output("m.onnx", true), NNC_OK);
    assert_int_equal(chmod("m.onnx", 0640), 0);
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_REPLACE), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "newer", 5), NNC_OK);
    check_content("m.onnx", "old");
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    check_content("m.onnx", "newer");
    struct stat st;
    assert_int_equal(stat("m.onnx", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(entries("."), 1);
}

/* Old readers keep the old bytes; the name always shows one complete file. */
static void test_replace_is_atomic(void **state)
{
    (void)state;
    nnc_file_out *out;
    nnc_file_map before;
    put("m.onnx", "old bytes");
    assert_int_equal(nnc_file_map_open(&before, "m.onnx", 0), NNC_OK);
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_REPLACE), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "NEW", 3), NNC_OK);
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    assert_memory_equal(before.data, "old bytes", 9);
    nnc_file_map_close(&before);
    check_content("m.onnx", "NEW");
}

static void test_target_appears_meanwhile(void **state)
{
    (void)state;
    nnc_file_out *out;
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "mine", 4), NNC_OK);
    put("m.onnx", "theirs");
    assert_int_equal(nnc_file_out_commit(out), NNC_ERR_IO);
    check_message("appeared meanwhile");
    check_content("m.onnx", "theirs");
    assert_int_equal(entries("."), 1);
}

static void test_bad_targets(void **state)
{
    (void)state;
    nnc_file_out *out;
    assert_int_equal(nnc_file_out_create(&out, "none/m.onnx", NNC_FILE_NEW), NNC_ERR_IO);
    assert_string_equal(nnc_error_message(),
                        "cannot write 'none/m.onnx': folder 'none': does not exist");
    put("plain", "x");
    assert_int_equal(nnc_file_out_create(&out, "plain/m.onnx", NNC_FILE_NEW), NNC_ERR_IO);
    check_message("'plain' is not a folder");
    assert_int_equal(mkdir("sub", 0777), 0);
    assert_int_equal(nnc_file_out_create(&out, "sub", NNC_FILE_REPLACE), NNC_ERR_IO);
    check_message("a directory");
    assert_int_equal(nnc_file_out_create(&out, "fresh/", NNC_FILE_REPLACE), NNC_ERR_IO);
    assert_int_equal(nnc_file_out_create(&out, "", NNC_FILE_REPLACE), NNC_ERR_IO);
    assert_int_equal(nnc_file_out_create(&out, "/dev/null", NNC_FILE_REPLACE), NNC_ERR_IO);
    check_message("not a regular file");
    static char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    assert_int_equal(nnc_file_out_create(&out, long_name, NNC_FILE_NEW), NNC_ERR_IO);
    if (geteuid() != 0) {
        assert_int_equal(chmod("sub", 0555), 0);
        assert_int_equal(nnc_file_out_create(&out, "sub/m.onnx", NNC_FILE_NEW), NNC_ERR_IO);
        check_message("permission denied");
        assert_int_equal(nnc_file_check_output("sub/m.onnx", true), NNC_ERR_IO);
    }
    assert_int_equal(entries("."), 2);
}

static void test_read_only_file_system(void **state)
{
    (void)state;
    nnc_file_out *out;
    assert_int_equal(nnc_file_out_create(&out, "/proc/nnc-test", NNC_FILE_NEW), NNC_ERR_IO);
    check_message("cannot write '/proc/nnc-test'");
}

static void test_long_name(void **state)
{
    (void)state;
    nnc_file_out *out;
    char name[NAME_MAX + 1];
    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    assert_int_equal(nnc_file_out_create(&out, name, NNC_FILE_NEW), NNC_OK);
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    check_content(name, "");
}

static void test_symbolic_links(void **state)
{
    (void)state;
    nnc_file_out *out;
    assert_int_equal(mkdir("real", 0777), 0);
    put("real/m.onnx", "old");
    assert_int_equal(symlink("real/m.onnx", "link.onnx"), 0);
    assert_int_equal(nnc_file_out_create(&out, "link.onnx", NNC_FILE_NEW), NNC_ERR_IO);
    assert_int_equal(nnc_file_out_create(&out, "link.onnx", NNC_FILE_REPLACE), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "new", 3), NNC_OK);
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    check_content("real/m.onnx", "new");
    struct stat st;
    assert_int_equal(lstat("link.onnx", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(nnc_file_out_create(&out, "dangling", NNC_FILE_REPLACE), NNC_ERR_IO);
    check_message("symbolic link");
}

static void test_abort(void **state)
{
    (void)state;
    nnc_file_out *out;
    put("m.onnx", "old");
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_REPLACE), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "new", 3), NNC_OK);
    assert_int_equal(entries("."), 2);
    nnc_file_out_abort(out);
    nnc_file_out_abort(NULL);
    assert_int_equal(entries("."), 1);
    check_content("m.onnx", "old");
}

static void test_abort_all(void **state)
{
    nnc_file_out *outs[3];
    char name[32];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "m%d.onnx", i);
        assert_int_equal(nnc_file_out_create(&outs[i], name, NNC_FILE_NEW), NNC_OK);
    }
    assert_int_equal(entries("."), 3);
    /* A child must not remove what belongs to its parent. */
    pid_t child = fork();
    if (child == 0) {
        nnc_file_out_abort_all();
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(entries("."), 3);
    /* Works from another current folder: the temporaries are known by their folder. */
    assert_int_equal(chdir("/"), 0);
    nnc_file_out_abort_all();
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(entries("."), 0);
    assert_int_equal(nnc_file_out_commit(outs[0]), NNC_ERR_IO);
    nnc_file_out_abort(outs[1]);
    nnc_file_out_abort(outs[2]);
    assert_int_equal(entries("."), 0);
}

static void on_interrupt(int number)
{
    (void)number;
    nnc_file_out_abort_all();
    _exit(130);
}

static void test_interrupted_process(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        nnc_file_out *out;
        signal(SIGINT, on_interrupt);
        if (nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW) == NNC_OK &&
            nnc_file_out_write(out, "part", 4) == NNC_OK) {
            raise(SIGINT);
        }
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 130);
    assert_int_equal(entries("."), 0);
}

static void test_many_open(void **state)
{
    (void)state;
    enum { MORE_THAN_THE_TABLE = 100 };
    nnc_file_out *outs[MORE_THAN_THE_TABLE];
    char name[32];
    int n = 0;
    nnc_status status = NNC_OK;
    for (; n < MORE_THAN_THE_TABLE && status == NNC_OK; n++) {
        snprintf(name, sizeof name, "m%d.onnx", n);
        status = nnc_file_out_create(&outs[n], name, NNC_FILE_NEW);
    }
    assert_int_equal(status, NNC_ERR_LIMIT);
    for (int i = 0; i < n; i++) {
        nnc_file_out_abort(outs[i]);
    }
    assert_int_equal(nnc_file_out_create(&outs[0], "m", NNC_FILE_NEW), NNC_OK);
    nnc_file_out_abort(outs[0]);
    assert_int_equal(entries("."), 0);
}

static void test_reserve(void **state)
{
    (void)state;
    nnc_file_out *out;
    assert_int_equal(nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW), NNC_OK);
    assert_int_equal(nnc_file_out_reserve(out, 0), NNC_OK);
    assert_int_equal(nnc_file_out_reserve(out, 1 << 20), NNC_OK);
    assert_int_equal(nnc_file_out_write(out, "short", 5), NNC_OK);
    assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    check_content("m.onnx", "short");
    struct stat st;
    assert_int_equal(stat("m.onnx", &st), 0);
    assert_true(st.st_blocks * 512 < 1 << 20);
    assert_int_equal(nnc_file_out_create(&out, "n.onnx", NNC_FILE_NEW), NNC_OK);
    assert_int_equal(nnc_file_out_reserve(out, UINT64_MAX), NNC_ERR_IO);
    assert_int_equal(nnc_file_out_reserve(out, (uint64_t)1 << 60), NNC_ERR_IO);
    nnc_file_out_abort(out);
    assert_int_equal(entries("."), 1);
}

/* A failed write must not be forgotten, even if the caller goes on. */
static void test_write_failure(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {1000, 1000};
        nnc_file_out *out;
        static char data[4000];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            nnc_file_out_create(&out, "m.onnx", NNC_FILE_NEW) != NNC_OK) {
            _exit(1);
        }
        if (nnc_file_out_write(out, data, sizeof data) != NNC_ERR_IO ||
            strstr(nnc_error_message(), "larger than the file system or the process limit") ==
                NULL) {
            _exit(2);
        }
        if (nnc_file_out_sync(out, NULL) != NNC_ERR_IO || nnc_file_out_commit(out) != NNC_ERR_IO) {
            _exit(3);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(entries("."), 0);
}

static void test_no_space(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    nnc_file_out *out;
    assert_int_equal(nnc_file_out_create(&out, "/dev/full", NNC_FILE_REPLACE), NNC_ERR_IO);
    check_message("not a regular file");
}

static void test_queries(void **state)
{
    (void)state;
    put("a", "x");
    assert_int_equal(link("a", "b"), 0);
    assert_int_equal(symlink("a", "c"), 0);
    put("d", "x");
    assert_true(nnc_file_same("a", "b"));
    assert_true(nnc_file_same("./a", "c"));
    assert_false(nnc_file_same("a", "d"));
    assert_false(nnc_file_same("a", "none"));
    assert_false(nnc_file_same("none", "none"));
    assert_true(nnc_file_exists("a"));
    assert_false(nnc_file_exists("none"));
    assert_true(nnc_file_is_dir("."));
    assert_false(nnc_file_is_dir("a"));
    assert_false(nnc_file_is_dir("none"));
}

static void test_check_space(void **state)
{
    (void)state;
    const char *paths[] = {"a.onnx", NULL, "none/b.html", "b.json"};
    uint64_t bytes[] = {1000, UINT64_MAX, UINT64_MAX, 1000};
    assert_int_equal(nnc_file_check_space(paths, bytes, 4), NNC_OK);
    bytes[3] = UINT64_MAX - 500; /* the sum does not wrap */
    assert_int_equal(nnc_file_check_space(paths, bytes, 4), NNC_ERR_IO);
    assert_non_null(strstr(nnc_error_message(), "cannot write 'a.onnx': no space: needs "));
    assert_non_null(strstr(nnc_error_message(), ", has "));
    assert_false(nnc_file_exists("a.onnx"));
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {FILE_TEST(test_open),
                                       FILE_TEST(test_open_not_a_file),
                                       FILE_TEST(test_map),
                                       FILE_TEST(test_map_part),
                                       FILE_TEST(test_commit_new),
                                       FILE_TEST(test_existing_target),
                                       FILE_TEST(test_replace_is_atomic),
                                       FILE_TEST(test_target_appears_meanwhile),
                                       FILE_TEST(test_bad_targets),
                                       FILE_TEST(test_read_only_file_system),
                                       FILE_TEST(test_long_name),
                                       FILE_TEST(test_symbolic_links),
                                       FILE_TEST(test_abort),
                                       FILE_TEST(test_abort_all),
                                       FILE_TEST(test_interrupted_process),
                                       FILE_TEST(test_many_open),
                                       FILE_TEST(test_reserve),
                                       FILE_TEST(test_write_failure),
                                       FILE_TEST(test_no_space),
                                       FILE_TEST(test_queries),
                                       FILE_TEST(test_check_space)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
