/* adjtimex(2) without modes reads: whatever keeps the clock (chrony, ntpd, timesyncd) tells the
 * kernel how well it does; nobody having done so for a while makes the clock unsynchronised. */
#include "io/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timex.h>

enum { SOURCE_MAX = 256 };

/* Odd while it is being written: a reader that meets that, or another number afterwards, knows
 * nothing, which costs an explanation one sentence. */
struct cs_clock_page {
    atomic_uint version;
    bool measured;
    int64_t ahead_ms;
    int64_t mono_ms; /* the same clock in all processes */
    char source[SOURCE_MAX];
    size_t source_len;
};

void cs_clock_ask_kernel(struct cs_clock *clock)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    clock->kernel_known = state >= 0;
    clock->synchronised = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
    clock->error_ms = state >= 0 ? t.maxerror / 1000 : 0;
}

struct cs_clock_page *cs_clock_page_new(void)
{
    void *page = mmap(NULL, sizeof(struct cs_clock_page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? NULL : page;
}

struct cs_clock_page *cs_clock_page_free(struct cs_clock_page *page)
{
    if (page)
        munmap(page, sizeof(*page));
    return NULL;
}

void cs_clock_page_note(struct cs_clock_page *page, int64_t ahead_ms, struct cs_str source,
                        const struct cs_now *now)
{
    atomic_fetch_add(&page->version, 1);
    page->measured = true;
    page->ahead_ms = ahead_ms;
    page->mono_ms = now->mono_ms;
    page->source_len = source.len < SOURCE_MAX ? source.len : SOURCE_MAX;
    memcpy(page->source, source.ptr, page->source_len);
    atomic_fetch_add(&page->version, 1);
}

void cs_clock_look(const struct cs_clock_page *page, const struct cs_now *now,
                   struct cs_clock *ret_clock)
{
    struct cs_clock clock = {0};
    unsigned version;
    size_t len;

    cs_clock_ask_kernel(&clock);
    if (page) {
        version = atomic_load(&page->version);
        clock.measured = page->measured;
        clock.ahead_ms = page->ahead_ms;
        clock.age_ms = now->mono_ms - page->mono_ms;
        len = page->source_len; /* all workers can write here: not to be believed blindly */
        clock.source = cs_str_make(page->source, len < SOURCE_MAX ? len : SOURCE_MAX);
        if (version & 1 || version != atomic_load(&page->version))
            clock.measured = false;
    }
    *ret_clock = clock;
}
