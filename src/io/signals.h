/* Signals as events of the loop: blocked, and read from a descriptor between two callbacks,
 * so that nothing is ever interrupted in the middle.
 */
#ifndef CS_IO_SIGNALS_H
#define CS_IO_SIGNALS_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#include "io/loop.h"

struct cs_signals {
    struct cs_watch watch;
    sigset_t set;
    void (*received)(struct cs_signals *signals, int signo, pid_t sender);
};

/** cs_signals_init() - block the @n signals of @signos and call @received for each that
 *  arrives, in the loop; @sender is 0 for the kernel. Several of one kind that arrive together
 *  are one. Return: 0, or -errno. */
int cs_signals_init(struct cs_signals *signals, struct cs_loop *loop, const int *signos, size_t n,
                    void (*received)(struct cs_signals *signals, int signo, pid_t sender));
/** cs_signals_deinit() - receive no more; the signals are unblocked. Harmless when zeroed. */
void cs_signals_deinit(struct cs_signals *signals);
/** cs_signals_default() - every signal unblocked and with its default action: in a child. */
void cs_signals_default(void);
/** cs_signals_ignore_pipe() - let writes to closed pipes fail instead of ending the process. */
void cs_signals_ignore_pipe(void);

#endif
