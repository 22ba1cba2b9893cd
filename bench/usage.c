/* A family is found by walking /proc until no process with a parent in it is left out. Its
 * time comes from each process's CPU clock (nanoseconds, and threads that have ended still
 * count), the shares of user and system from /proc/PID/stat. */
#include "usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    unsigned long user, system; /* clock ticks */
};

struct processes {
    struct process *items;
    size_t n, cap;
};

static int64_t ticks_to_ns(uint64_t ticks)
{
    return (int64_t)(ticks * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK)));
}

/* Return: whether it is still there. */
static bool read_process(pid_t pid, struct process *ret_process)
{
    char path[64], line[1024];
    const char *end;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return false;
    n = fread(line, 1, sizeof(line) - 1, f);
    fclose(f);
    line[n] = '\0';
    end = strrchr(line, ')'); /* a program's name may contain anything */
    *ret_process = (struct process){.pid = pid};
    return end && sscanf(end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                         &ret_process->parent, &ret_process->user, &ret_process->system) == 3;
}

static int list_processes(struct processes *all)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (!proc)
        return -errno;
    while ((entry = readdir(proc))) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end || pid <= 0)
            continue;
        if (all->n == all->cap) {
            all->cap = all->cap ? 2 * all->cap : 256;
            all->items = realloc(all->items, all->cap * sizeof(*all->items));
            if (!all->items)
                abort();
        }
        all->n += read_process((pid_t)pid, &all->items[all->n]);
    }
    closedir(proc);
    return 0;
}

static bool has(const struct cs_usage *usage, pid_t pid)
{
    for (size_t i = 0; i < usage->n; i++)
        if (usage->pids[i] == pid)
            return true;
    return false;
}

static int take(struct cs_usage *usage, const struct process *process)
{
    struct timespec ts;
    clockid_t clock;

    if (usage->n == CS_USAGE_PROCESSES)
        return -E2BIG;
    if (clock_getcpuclockid(process->pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
        return 0; /* it has just ended */
    usage->pids[usage->n++] = process->pid;
    usage->cpu_ns += ts.tv_sec * 1000000000LL + ts.tv_nsec;
    usage->user_ns += ticks_to_ns(process->user);
    usage->system_ns += ticks_to_ns(process->system);
    return 0;
}

static int take_roots(struct cs_usage *usage, const pid_t *roots, size_t n_roots)
{
    for (size_t i = 0; i < n_roots; i++) {
        struct process process;
        int r;
        if (!read_process(roots[i], &process))
            return -ESRCH;
        r = has(usage, roots[i]) ? 0 : take(usage, &process);
        if (r < 0)
            return r;
        if (!has(usage, roots[i]))
            return -ESRCH;
    }
    return 0;
}

static int take_descendants(struct cs_usage *usage, const struct processes *all)
{
    for (size_t before = 0; before != usage->n;) {
        before = usage->n;
        for (size_t i = 0; i < all->n; i++) {
            const struct process *p = &all->items[i];
            int r = has(usage, p->parent) && !has(usage, p->pid) ? take(usage, p) : 0;
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int read_machine(int64_t *ret_ns)
{
    unsigned long long user, nice, system, irq, softirq;
    FILE *f = fopen("/proc/stat", "re");
    int n;

    if (!f)
        return -errno;
    n = fscanf(f, "cpu %llu %llu %llu %*u %*u %llu %llu", &user, &nice, &system, &irq, &softirq);
    fclose(f);
    if (n != 5)
        return -EINVAL;
    *ret_ns = ticks_to_ns(user + nice + system + irq + softirq);
    return 0;
}

int cs_usage_read(const pid_t *roots, size_t n_roots, struct cs_usage *ret_usage)
{
    struct cs_usage usage = {0};
    struct processes all = {0};
    int r = list_processes(&all);

    r = r ? r : take_roots(&usage, roots, n_roots);
    r = r ? r : take_descendants(&usage, &all);
    r = r ? r : read_machine(&usage.machine_ns);
    free(all.items);
    if (r == 0)
        *ret_usage = usage;
    return r;
}

int cs_usage_read_memory(struct cs_usage *usage)
{
    usage->pss_kib = 0;
    for (size_t i = 0; i < usage->n; i++) {
        char path[64], line[256];
        long kib;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)usage->pids[i]);
        f = fopen(path, "re");
        if (!f)
            return -errno;
        while (fgets(line, sizeof(line), f))
            if (sscanf(line, "Pss: %ld kB", &kib) == 1)
                usage->pss_kib += kib;
        fclose(f);
    }
    return 0;
}

size_t cs_usage_lost(const struct cs_usage *before, const struct cs_usage *after)
{
    size_t lost = 0;

    for (size_t i = 0; i < before->n; i++)
        lost += !has(after, before->pids[i]);
    return lost;
}
