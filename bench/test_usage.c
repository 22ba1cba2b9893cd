/* A family's time: work of a child counts for its parent's family, and a child that has ended
 * is missed. */
#include "usage.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define WORK_MS 60

static void work(void)
{
    struct timespec ts;

    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    while (ts.tv_sec == 0 && ts.tv_nsec < WORK_MS * 1000000L);
}

/* A child that works, says so, and waits for its end. */
static pid_t start_child(int ends[2])
{
    pid_t pid = fork();
    char byte = 0;

    if (pid != 0)
        return pid;
    work();
    if (write(ends[1], &byte, 1) == 1)
        pause();
    _exit(0);
}

int main(void)
{
    static struct cs_usage before, after;
    pid_t self = getpid(), child;
    int ends[2];
    char byte;

    if (!tap_ok(pipe(ends) == 0, "a pipe"))
        return tap_done();
    tap_int(cs_usage_read(&self, 1, &before), 0, "read");
    tap_int((int64_t)before.n, 1, "a family of one");
    child = start_child(ends);
    tap_int(read(ends[0], &byte, 1), 1, "the child has worked");
    tap_int(cs_usage_read(&self, 1, &after), 0, "read again");
    tap_int((int64_t)after.n, 2, "the child belongs to the family");
    tap_int((int64_t)cs_usage_lost(&before, &after), 0, "nobody is missed");
    tap_ok(after.cpu_ns - before.cpu_ns >= WORK_MS * 1000000L, "its work counts");
    tap_ok(after.cpu_ns - before.cpu_ns < 10 * WORK_MS * 1000000L, "and nobody else's");
    tap_int(cs_usage_read_memory(&after), 0, "memory");
    tap_ok(after.pss_kib > 0, "%" PRId64 " KiB", after.pss_kib);
    before = after;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    tap_int(cs_usage_read(&self, 1, &after), 0, "read without the child");
    tap_int((int64_t)cs_usage_lost(&before, &after), 1, "the child is missed");
    tap_int(cs_usage_read(&child, 1, &after), -ESRCH, "a process that is not there");
    return tap_done();
}
