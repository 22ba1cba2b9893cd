/* News of an errand are three lines: since when it fails, where it lies, why. They go the way from
 * who does it to all who are asked about it. */
#include "snapshot/errand.h"

#include <errno.h>
#include <string.h>

void cs_errand_report(const struct cs_errand *errand, int64_t since_sec, struct cs_str why,
                      struct cs_buf *text)
{
    cs_buf_addf(text, "%lld\n%.*s\n%.*s", (long long)since_sec, CS_FMT(errand->folder),
                CS_FMT(why));
}

static struct cs_errand *find(struct cs_errand *errands, struct cs_str folder)
{
    while (errands && !cs_str_eq(errands->folder, folder))
        errands = errands->next;
    return errands;
}

int cs_errand_hear(struct cs_errand *errands, struct cs_str text)
{
    struct cs_str since = cs_str_cut(&text, '\n'), folder = cs_str_cut(&text, '\n');
    struct cs_errand *errand = find(errands, folder);
    uint64_t since_sec;
    size_t len = text.len;

    if (!text.ptr || cs_str_to_u64(since, INT64_MAX, &since_sec) < 0)
        return -EBADMSG;
    if (!errand)
        return -ENOENT;
    if (len > sizeof(errand->news->why) - 1)
        len = sizeof(errand->news->why) - 1;
    errand->news->failing_since_sec = (int64_t)since_sec;
    memcpy(errand->news->why, text.ptr, len);
    errand->news->why[len] = 0;
    return 0;
}

bool cs_errand_has_name(const struct cs_errand *errand, struct cs_str name)
{
    for (size_t i = 0; i < errand->n_names; i++) {
        struct cs_str whole = errand->names[i], bare = whole;
        (void)cs_str_cut(&bare, ':');
        if (cs_str_eq_nocase(whole, name) || cs_str_eq_nocase(bare, name))
            return true;
    }
    return false;
}
