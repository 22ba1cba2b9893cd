/* Commands that succeed, fail, hang, and are asked for while they run. */
#include "enrol/hook.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

static struct cs_loop loop;
static char dir[] = "/tmp/test_hook.XXXXXX";
static unsigned n_ended;
static char last[128];

static void on_ended(struct cs_hook *hook, const char *why)
{
    n_ended++;
    snprintf(last, sizeof(last), "%s", why ? why : "well");
}

static void turn_until(unsigned n, int64_t limit_ms)
{
    int64_t end = loop.now.mono_ms + limit_ms;

    while (n_ended < n && loop.now.mono_ms < end)
        cs_loop_turn(&loop, 50);
}

static off_t size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 ? st.st_size : -1;
}

static void test_one(const char *command, const char *why)
{
    static char word[] = "WORD=a b";
    static char *const environment[] = {word, NULL};
    struct cs_hook hook;

    n_ended = 0;
    cs_hook_init(&hook, &loop, command, on_ended);
    cs_hook_run(&hook, environment);
    tap_ok(cs_hook_busy(&hook), "it runs");
    turn_until(1, 5000);
    tap_str(cs_str_from(last), cs_str_from(why), command);
    tap_ok(!cs_hook_busy(&hook), "it ran");
    cs_hook_deinit(&hook);
}

static void test_again(void)
{
    static char *const none[] = {NULL};
    struct cs_hook hook;
    char command[256], file[64];

    snprintf(file, sizeof(file), "%s/n", dir);
    snprintf(command, sizeof(command), "printf x >>%s; test $(wc -c <%s) -ge 3", file, file);
    n_ended = 0;
    cs_hook_init(&hook, &loop, command, on_ended);
    cs_hook_run(&hook, none);
    turn_until(3, 10000);
    tap_int(n_ended, 3, "run again until it succeeds");
    tap_str(cs_str_from(last), CS_STR("well"), "then no more");
    turn_until(4, 1500);
    tap_int(size_of(file), 3, "really");
    cs_hook_run(&hook, none);
    cs_hook_run(&hook, none);
    cs_hook_run(&hook, none);
    turn_until(4, 5000);
    tap_int(size_of(file), 5, "asked for while it runs: once more afterwards");
    turn_until(5, 300);
    tap_int(n_ended, 4, "and told of then");
    cs_hook_deinit(&hook);
    unlink(file);
}

static void test_left(void)
{
    static char *const none[] = {NULL};
    struct cs_hook hook;

    cs_hook_init(&hook, &loop, "sleep 1", on_ended);
    cs_hook_run(&hook, none);
    n_ended = 0;
    cs_hook_deinit(&hook);
    turn_until(1, 100);
    tap_int(n_ended, 0, "left alone");
    hook = (struct cs_hook){0};
    cs_hook_deinit(&hook);
}

int main(void)
{
    cs_assert(mkdtemp(dir));
    cs_assert(cs_loop_init(&loop) == 0);
    test_one("true", "well");
    test_one("test \"$WORD\" = 'a b'", "well");
    test_one("test -n \"$PATH\"", "well");
    test_one("exit 3", "exited with status 3");
    test_one("/nonexistent 2>/dev/null", "exited with status 127");
    test_one("kill -9 $$", "was ended by signal 9");
    test_again();
    test_left();
    cs_loop_deinit(&loop);
    rmdir(dir);
    return tap_done();
}
