/* Whole files in a temporary directory. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/cs_file_XXXXXX";
static char path_buf[128];

static const char *in_dir(const char *name)
{
    snprintf(path_buf, sizeof(path_buf), "%s/%s", dir, name);
    return path_buf;
}

static int n_entries(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    while (d && readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void test_write_and_read(void)
{
    struct cs_buf buf;
    struct stat st;
    umask(077);
    tap_int(cs_file_write(in_dir("a"), CS_STR("first"), 0644), 0, "write");
    tap_ok(stat(path_buf, &st) == 0 && (st.st_mode & 0777) == 0644, "the mode ignores the umask");
    tap_int(cs_file_write(in_dir("a"), CS_STR("second"), 0600), 0, "replace");
    tap_int(cs_file_read(in_dir("a"), 100, &buf), 0, "read");
    tap_str(cs_buf_str(&buf), CS_STR("second"), "the new bytes");
    cs_buf_wipe(&buf);
    tap_int(cs_file_read(in_dir("a"), 6, &buf), 0, "exactly as long as allowed");
    cs_buf_deinit(&buf);
    tap_int(cs_file_read(in_dir("a"), 5, &buf), -EFBIG, "longer than allowed");
    tap_int(cs_file_read(in_dir("b"), 5, &buf), -ENOENT, "not there");
    tap_int(cs_file_read(dir, 5, &buf), -EISDIR, "a directory");
    tap_int(n_entries(), 1, "no temporary file is left");
    tap_int(cs_file_write(in_dir("no/such"), CS_STR("x"), 0644), -ENOENT, "no directory");
    unlink(in_dir("a"));
}

static void test_liars(void)
{
    struct cs_buf buf;
    tap_int(cs_file_read("/proc/self/status", 65536, &buf), 0, "a file that says it is empty");
    tap_ok(buf.len > 100, "is read to its end");
    cs_buf_deinit(&buf);
    tap_int(cs_file_read("/dev/zero", 10000, &buf), -EFBIG, "endless");
    tap_int(cs_file_read("/dev/null", 10, &buf), 0, "empty");
    tap_int((int64_t)buf.len, 0, "no bytes");
    cs_buf_deinit(&buf);

    int fds[2];
    char name[32];
    if (pipe(fds) < 0 || write(fds[1], "piped", 5) != 5)
        abort();
    close(fds[1]);
    snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
    tap_int(cs_file_read(name, 100, &buf), 0, "a pipe");
    tap_str(cs_buf_str(&buf), CS_STR("piped"), "to its end");
    cs_buf_deinit(&buf);
    close(fds[0]);
}

static void test_mkdirs(void)
{
    struct stat st;
    tap_int(cs_file_mkdirs(in_dir("x//y/z/"), 0755), 0, "directories");
    tap_ok(stat(in_dir("x/y/z"), &st) == 0 && S_ISDIR(st.st_mode), "are there");
    tap_int(cs_file_mkdirs(in_dir("x/y"), 0755), 0, "again");
    tap_int(cs_file_write(in_dir("x/f"), CS_STR(""), 0644), 0, "an empty file");
    tap_int(cs_file_mkdirs(in_dir("x/f"), 0755), -ENOTDIR, "a file in its place");
    tap_int(cs_file_mkdirs(in_dir("x/f/g"), 0755), -ENOTDIR, "a file in the way");
    tap_int(cs_file_mkdirs("", 0755), -ENOENT, "no name");
    unlink(in_dir("x/f"));
    rmdir(in_dir("x/y/z"));
    rmdir(in_dir("x/y"));
    rmdir(in_dir("x"));
}

int main(void)
{
    if (!mkdtemp(dir))
        abort();
    test_write_and_read();
    test_liars();
    test_mkdirs();
    tap_int(rmdir(dir), 0, "nothing is left behind");
    return tap_done();
}
