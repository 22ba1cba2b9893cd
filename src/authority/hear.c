/* What has happened since: revocations make what is kept old. They are read off the events, so
 * that those of a running process and of a command beside it count alike. */
#include "authority/state.h"

static int tell(void *ctx, const struct cs_stored_event *event)
{
    struct cs_ca *ca = ctx;

    if (event->kind == CS_EVENT_REVOKED) {
        cs_ca_tell_lists(ca, event);
        cs_ca_tell_answers(ca, event);
    }
    ca->heard = event->seq;
    return 0;
}

int cs_ca_hear(struct cs_ca *ca)
{
    uint64_t gone, last;
    int r = cs_store_event_bounds(ca->store, &gone, &last);

    if (r < 0 || last == ca->heard)
        return r;
    if ((!ca->lists && !ca->answers) || gone > ca->heard) { /* nobody to tell, or too late to */
        cs_ca_drop_lists(ca);
        cs_ca_drop_answers(ca);
        ca->heard = last;
        return 0;
    }
    return cs_store_event_each(ca->store, ca->heard, 0, tell, ca);
}
