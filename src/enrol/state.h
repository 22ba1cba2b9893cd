/* What a client remembers beside its key and certificates, so that one that is started with the
 * folder alone goes on; and its text, state.json. Pure.
 */
#ifndef CS_ENROL_STATE_H
#define CS_ENROL_STATE_H

#include "authority/make.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct cs_enrol_state {
    struct cs_str url;          /* of the authority */
    struct cs_str fingerprint;  /* of the root that was trusted first, hex; may be empty */
    struct cs_str profile;      /* asked for; empty: what the authority chose */
    const struct cs_str *names; /* asked for: "dns:…", "spiffe://…" */
    size_t n_names;
    int64_t ttl_sec; /* asked for; 0: nothing */
    enum cs_make_key_kind key_kind;
    struct cs_str serial; /* of the certificate, for readers; the certificate itself counts */
    int64_t not_before, not_after, renew_at;
};

/** cs_enrol_state_write() - append it as JSON with a newline. Times are UTC, RFC 3339.
 *  Return: 0, or -ENOBUFS. */
int cs_enrol_state_write(const struct cs_enrol_state *state, struct cs_buf *buf);
/** cs_enrol_state_read() - the way back; texts live in @arena.
 *  Return: NULL (*ret_state is written), or why not, in @arena. */
const char *cs_enrol_state_read(struct cs_str json, struct cs_arena *arena,
                                struct cs_enrol_state *ret_state);

/** cs_enrol_key_is() - whether the first private key in @pem is of @kind. */
bool cs_enrol_key_is(struct cs_str pem, enum cs_make_key_kind kind);

#endif
