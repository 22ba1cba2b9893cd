/* What a side takes, as text for people: telemetry's struct cs_terms out of numbers. Pure. */
#ifndef CS_TLS_TERMS_H
#define CS_TLS_TERMS_H

#include "base/arena.h"
#include "telemetry/handshake.h"

/** cs_terms_codes() - the names of @points, "A, B, 0x1234", in @arena; what only keeps servers on
 *  their toes (RFC 8701) is left out. @name_of gives an empty text for a number it does not know.
 */
struct cs_str cs_terms_codes(struct cs_arena *arena, struct cs_code_points points,
                             struct cs_str (*name_of)(uint16_t code));
/** cs_terms_alpn() - protocols as on the wire (length and name, repeated) as "h2, http/1.1". */
struct cs_str cs_terms_alpn(struct cs_arena *arena, struct cs_str wire);
/** cs_terms_groups() - groups as a TLS library takes them ("x:y", or NULL), by nginx's names. */
struct cs_str cs_terms_groups(struct cs_arena *arena, const char *groups);
/** cs_terms_offered() - what a ClientHello offered, out of the facts about it. In @arena. */
struct cs_terms cs_terms_offered(const struct cs_handshake *h, struct cs_arena *arena);
/** cs_terms_asked() - what the CertificateRequest with this body asks for, into the facts' asked_…
 *  parts; the names borrow from @body. A malformed one leaves them as they are. */
void cs_terms_asked(struct cs_str body, bool tls13, struct cs_arena *arena,
                    struct cs_breakdown *facts);

#endif
