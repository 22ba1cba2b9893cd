/* What has expired leaves the store's tables for its archives, so that what is in use stays small,
 * and archives that nobody needs any more are deleted. A week later: by then everything has been on
 * a list once more, and who follows events has come back. */
#include "authority/directives.h"
#include "authority/state.h"
#include "base/panic.h"

enum { DAY = 86400, GRACE = 7 * DAY };

int64_t cs_ca_keep_sec(const struct cs_block *block)
{
    struct cs_arena arena = {0};
    struct cs_authority_settings set = {0};

    if (block)
        cs_settings_resolve(&cs_authority_directives, block, &arena, &set);
    cs_arena_deinit(&arena);
    return set.keep_sec;
}

int cs_ca_sweep(struct cs_ca *ca, int64_t now_sec, uint32_t *ret_n)
{
    const struct cs_store_sweep sweep = {
        .certs_before = now_sec - GRACE,
        .audit_before = now_sec - GRACE,
        .papers_before = now_sec - GRACE,
        .archives_before = ca->keep_sec ? now_sec - ca->keep_sec : 0,
    };

    cs_assert(!ca->grouped && !(ca->flags & CS_CA_READ));
    return cs_store_sweep(ca->store, &sweep, ret_n);
}

int cs_ca_tidy(struct cs_ca *ca)
{
    return cs_store_tidy(ca->store);
}
