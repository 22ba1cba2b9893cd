/* What a server and all its descendants cost, as the kernel counts it. */
#ifndef CS_BENCH_USAGE_H
#define CS_BENCH_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CS_USAGE_PROCESSES 512

struct cs_usage {
    pid_t pids[CS_USAGE_PROCESSES]; /* of the whole family */
    size_t n;
    int64_t cpu_ns;     /* on a CPU, all threads, those that ended included */
    int64_t user_ns;    /* the same in clock ticks: */
    int64_t system_ns;  /* the shares are exact to a few of these */
    int64_t machine_ns; /* all CPUs of the machine, everybody's work */
    int64_t pss_kib;    /* memory, shared pages counted once; see cs_usage_read_memory() */
};

/** cs_usage_read() - what the processes @roots and their descendants have used so far.
 *  Return: 0; -ESRCH (one of @roots is not there); -E2BIG; other -errno. */
int cs_usage_read(const pid_t *roots, size_t n_roots, struct cs_usage *ret_usage);
/** cs_usage_read_memory() - fill in pss_kib of a usage just read. Slow for large processes.
 *  Return: 0, or -errno. */
int cs_usage_read_memory(struct cs_usage *usage);
/** cs_usage_lost() - how many processes of @before are not in @after: what they used since is
 *  not known. */
size_t cs_usage_lost(const struct cs_usage *before, const struct cs_usage *after);

#endif
