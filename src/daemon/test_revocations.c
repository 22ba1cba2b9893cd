/* What is written is read again; what is torn, old or wrong is not believed; nobody else's folder.
 */
#include "daemon/revocations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "daemon/state.h"
#include "io/file.h"
#include "tap.h"

enum { NOW = 1800000000 };

static char folder[] = "/tmp/countersign-revocations-XXXXXX";
static char state[128], file[256];

static struct cs_revocation revocation(const char *serial, int64_t not_after)
{
    return (struct cs_revocation){.serial = cs_str_from(serial),
                                  .any_issuer = true,
                                  .revoked_at = NOW,
                                  .not_after = not_after,
                                  .reason = 1,
                                  .named = CS_STR("CN=alice")};
}

static size_t count(struct cs_revocations *all)
{
    return cs_revoked_set_count(cs_revocations_set0(all));
}

/* How many are read at @now_sec; negative: why not, which @says. */
static int64_t read_again(const char *where, int64_t now_sec, const char *says)
{
    struct cs_revocations *all = NULL;
    struct cs_buf why;
    int64_t n;
    int r;

    cs_buf_init(&why, 4096);
    r = cs_revocations_new(where, now_sec, &why, &all);
    n = r < 0 ? r : (int64_t)count(all);
    if (r < 0 && !strstr(cs_buf_cstr(&why), says))
        printf("# it says: %s\n", cs_buf_cstr(&why));
    tap_ok(r == 0 ? !says : strstr(cs_buf_cstr(&why), says) != NULL, "says the right thing");
    cs_revocations_free(all);
    cs_buf_deinit(&why);
    return n;
}

static struct cs_str content(struct cs_buf *buf)
{
    cs_assert(cs_file_read(file, 1 << 20, buf) == 0);
    return cs_buf_str(buf);
}

static void append(const char *text)
{
    int fd = open(file, O_WRONLY | O_APPEND);

    cs_assert(fd >= 0 && cs_write_all(fd, cs_str_from(text)) == 0);
    close(fd);
}

static void test_keeping(void)
{
    struct cs_revocations *all = NULL;
    struct cs_revocation one = revocation("12345678", NOW + 100), two = revocation("abcdefgh", 5),
                         other = revocation("12345679", INT64_MAX);
    struct cs_buf why, bytes;
    struct stat st;

    cs_buf_init(&why, 4096);
    tap_int(cs_revocations_new(state, NOW, &why, &all), 0, "no folder: nothing is revoked");
    tap_ok(count(all) == 0 && stat(state, &st) < 0, "and none is made");
    tap_int(cs_revocations_add(all, &one, &why), 0, "one");
    tap_int(cs_revocations_add(all, &one, &why), -EALREADY, "the same");
    tap_int(cs_revocations_add(all, &other, &why), 0, "another");
    tap_int((int64_t)count(all), 2, "are two");
    tap_ok(stat(state, &st) == 0 && (st.st_mode & 0777) == 0711, "the folder is ours");
    tap_ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0600, "the file is for us alone");
    tap_int(read_again(state, NOW, NULL), 2, "after a restart, too");
    tap_int(read_again(state, NOW + 699, NULL), 2, "as long as a clock may be wrong");
    tap_int(read_again(state, NOW + 700, NULL), 1, "not when the certificate has expired");
    tap_ok(cs_str_search(content(&bytes), CS_STR("3132333435363738")) < 0,
           "then it leaves the file");
    cs_buf_deinit(&bytes);
    tap_int(cs_revocations_add(all, &two, &why), 0, "what has expired is taken all the same");

    append("2026-10-01T12:00:00Z serial=0A issuer=any reason=unspec");
    tap_int(read_again(state, NOW, NULL), 1, "a line that a crash has cut does not count");
    tap_ok(cs_str_ends(content(&bytes), CS_STR("\n")), "and is gone");
    cs_buf_deinit(&bytes);
    append("# a remark\n\n");
    tap_int(read_again(state, NOW, NULL), 1, "remarks are let be");
    append("nonsense\n");
    tap_int(read_again(state, NOW, "/revoked\":5: this is no revocation"), -EBADMSG,
            "what is no revocation is an error");
    cs_revocations_free(all);
    cs_buf_deinit(&why);
}

static void test_strangers(void)
{
    struct cs_revocations *all = NULL;
    struct cs_revocation one = revocation("12345678", NOW + 100);
    struct cs_buf why;

    cs_buf_init(&why, 4096);
    unlink(file);
    cs_assert(cs_revocations_new(state, NOW, &why, &all) == 0);
    cs_assert(cs_revocations_add(all, &one, &why) == 0);
    cs_assert(chmod(state, 0777) == 0);
    tap_int(read_again(state, NOW, "can be written by others"), -EPERM,
            "what others can write is not believed");
    tap_int(cs_revocations_add(all, &one, &why), -EALREADY, "what is known is known");
    one.serial = CS_STR("newnewnew");
    tap_int(cs_revocations_add(all, &one, &why), -EPERM, "nor is anything written there");
    cs_assert(chmod(state, 0711) == 0);
    cs_revocations_free(all);
    cs_buf_deinit(&why);
}

int main(void)
{
    cs_assert(mkdtemp(folder) != NULL);
    snprintf(state, sizeof(state), "%s/above/state", folder);
    snprintf(file, sizeof(file), "%s/revoked", state);
    test_keeping();
    test_strangers();
    unlink(file);
    rmdir(state);
    snprintf(state, sizeof(state), "%s/above", folder);
    rmdir(state);
    tap_int(rmdir(folder), 0, "nothing else was left behind");
    return tap_done();
}
