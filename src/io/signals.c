/* signalfd in the loop. */
#include "io/signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/list.h"

static void on_ready(struct cs_watch *watch)
{
    struct cs_signals *signals = cs_container_of(watch, struct cs_signals, watch);
    struct signalfd_siginfo info;

    while (watch->loop && watch->readable) {
        ssize_t n = read(watch->fd, &info, sizeof(info));
        if (n == (ssize_t)sizeof(info))
            signals->received(signals, (int)info.ssi_signo, (pid_t)info.ssi_pid);
        else if (n >= 0 || errno != EINTR)
            watch->readable = false;
    }
}

int cs_signals_init(struct cs_signals *signals, struct cs_loop *loop, const int *signos, size_t n,
                    void (*received)(struct cs_signals *signals, int signo, pid_t sender))
{
    *signals = (struct cs_signals){.received = received};
    sigemptyset(&signals->set);
    for (size_t i = 0; i < n; i++)
        sigaddset(&signals->set, signos[i]);
    if (sigprocmask(SIG_BLOCK, &signals->set, NULL) < 0)
        return -errno;

    int fd = signalfd(-1, &signals->set, SFD_NONBLOCK | SFD_CLOEXEC);
    int r = fd < 0 ? -errno : cs_watch_add(loop, &signals->watch, fd, on_ready);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        sigprocmask(SIG_UNBLOCK, &signals->set, NULL);
    }
    return r;
}

void cs_signals_deinit(struct cs_signals *signals)
{
    if (!signals->watch.loop)
        return;
    int fd = signals->watch.fd;
    cs_watch_remove(&signals->watch);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &signals->set, NULL);
}

void cs_signals_default(void)
{
    sigset_t all;
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

void cs_signals_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}
