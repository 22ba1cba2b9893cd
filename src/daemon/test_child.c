/* A process of ours, from its beginning to its end, and what comes after it. */
#include "daemon/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/panic.h"
#include "tap.h"

/* What the next process does. */
enum deed {
    ENDS_UNSERVED,
    ENDS_AT_ONCE, /* behind having said that it serves */
    WANTS_ANOTHER,
    STAYS,
    STAYS_DEAF, /* to TERM and QUIT */
};

static struct cs_loop loop;
static struct cs_mainlog mainlog;
static enum deed deed;
static char events[64];
static pid_t last; /* that has ended */
static int last_status;
static unsigned n_reaped;

static int run(void *ctx, struct cs_child *child)
{
    bool deaf = deed == STAYS_DEAF;

    signal(SIGQUIT, deaf ? SIG_IGN : SIG_DFL);
    signal(SIGTERM, deaf ? SIG_IGN : SIG_DFL);
    alarm(60);
    if (deed == ENDS_UNSERVED)
        _exit(3);
    if (cs_child_serving(child) < 0)
        _exit(4);
    while (deed == STAYS || deaf)
        pause();
    _exit(deed == WANTS_ANOTHER ? CS_CHILD_AGAIN : 0);
}

static void on_event(void *ctx, struct cs_child *child, enum cs_child_event event)
{
    static const char *const names[] = {
        [CS_CHILD_UP] = "up ", [CS_CHILD_FAILED] = "failed ", [CS_CHILD_ENDED] = "ended "};
    size_t len = strlen(events);

    snprintf(events + len, sizeof(events) - len, "%s", names[event]);
}

static struct cs_child *begin(enum deed what)
{
    const struct cs_child_spec spec = {
        .name = "child", .loop = &loop, .log = &mainlog, .run = run, .on_event = on_event};

    deed = what;
    events[0] = 0;
    n_reaped = 0;
    return cs_child_new(&spec);
}

static void reap(struct cs_child *child)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);

    if (pid <= 0)
        return;
    tap_ok(!cs_child_reaped(child, pid + 1, status), "another process is none of its");
    tap_ok(cs_child_reaped(child, pid, status), "but this one is");
    last = pid;
    last_status = status;
    n_reaped++;
}

/* Go on until @what was said, and @reaped processes have ended, for at most ten seconds. */
static void go_on(struct cs_child *child, const char *what, unsigned reaped)
{
    for (int i = 0; i < 1000; i++) {
        if (strcmp(events, what) == 0 && n_reaped >= reaped)
            break;
        (void)cs_loop_turn(&loop, 10);
        reap(child);
    }
    tap_str(cs_str_from(events), cs_str_from(what), "what was said");
    tap_int(n_reaped, reaped, "how many have ended");
}

static void end(struct cs_child *child, bool graceful, const char *what)
{
    unsigned before = n_reaped;

    cs_child_finish(child, graceful);
    go_on(child, what, before + 1);
    tap_ok(cs_child_free(child) == NULL, "forgotten");
}

static void test_stays(void)
{
    struct cs_child *child = begin(STAYS);

    go_on(child, "up ", 0);
    end(child, true, "up ended ");
    tap_ok(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGQUIT, "by QUIT");
    child = begin(STAYS);
    go_on(child, "up ", 0);
    end(child, false, "up ended ");
    tap_ok(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGTERM, "by TERM");
}

static void test_finished_before_it_serves(void)
{
    struct cs_child *child = begin(STAYS);

    end(child, false, "ended ");
}

static void test_fails_to_start(void)
{
    struct cs_child *child = begin(ENDS_UNSERVED);

    go_on(child, "failed ", 1);
    cs_child_finish(child, false);
    go_on(child, "failed ended ", 1);
    cs_child_free(child);
}

/* Until the third has ended. Return: how long that took. */
static int64_t three(enum deed what)
{
    struct cs_child *child;
    int64_t begun_ms;

    cs_loop_now(&loop);
    begun_ms = loop.now.mono_ms;
    child = begin(what);
    go_on(child, "up ", 3);
    cs_loop_now(&loop);
    begun_ms = loop.now.mono_ms - begun_ms;
    cs_child_finish(child, false);
    for (int i = 0; i < 1000 && !strstr(events, "ended"); i++) {
        (void)cs_loop_turn(&loop, 10);
        reap(child);
    }
    tap_str(cs_str_from(events), CS_STR("up ended "), "it serves once, and ends");
    cs_child_free(child);
    return begun_ms;
}

static void test_replaced(void)
{
    tap_ok(three(ENDS_AT_ONCE) >= 100 + 200, "one that dies at once: more and more slowly");
    tap_ok(three(WANTS_ANOTHER) > 0, "one that asks for it: at once");
}

static void test_killed(void)
{
    struct cs_child *child = begin(STAYS_DEAF);
    pid_t first;

    go_on(child, "up ", 0);
    cs_child_signal(child, SIGKILL);
    go_on(child, "up ", 1);
    first = last;
    for (int i = 0; i < 30; i++)
        (void)cs_loop_turn(&loop, 10);
    end(child, false, "up ended ");
    tap_ok(last != first, "another one was there");
    tap_ok(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGKILL, "which had to be killed");
}

int main(void)
{
    cs_assert(cs_loop_init(&loop) == 0);
    cs_mainlog_init(&mainlog, CS_LOG_EMERG, (struct cs_str){0});
    test_stays();
    test_finished_before_it_serves();
    test_fails_to_start();
    test_replaced();
    test_killed();
    tap_ok(cs_child_free(NULL) == NULL, "nobody");
    cs_mainlog_deinit(&mainlog);
    cs_loop_deinit(&loop);
    return tap_done();
}
