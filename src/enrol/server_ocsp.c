/* OCSP over HTTP (RFC 6960 appendix A): whatever was asked, the answer is an OCSPResponse; that
 * something is wrong is said in it, and the status is 200. What everybody gets may be kept by
 * caches on the way for a while (RFC 5019 section 6), but not as long as it is good, so that a
 * revocation does not wait that long. */
#include "enrol/server_state.h"

#include "x509/pem.h"

enum { CACHE_SEC = 600, MALFORMED_REQUEST = 1, TRY_LATER = 3 };

static const char type[] = "application/ocsp-response";

static void send_kept(struct cs_question *question, const struct cs_ca_answer *answer,
                      int64_t now_sec)
{
    int64_t until =
        answer->next_update < now_sec + CACHE_SEC ? answer->next_update : now_sec + CACHE_SEC;
    struct cs_document *document = cs_document_new(type, answer->der, until);

    document->made_at = answer->this_update;
    cs_question_document(question, document);
    cs_document_unref(document);
}

/* @r: 0, or a fault. */
static void tell(struct cs_enrol_server *server, struct cs_question *question, int r,
                 struct cs_ca_answer *answer)
{
    if (r < 0) {
        cs_enrol_fault(server, r, "the status of a certificate cannot be told");
        r = cs_ca_decline(TRY_LATER, &question->arena, answer);
    }
    if (r < 0)
        cs_enrol_refuse_fault(server, question, r, "nor can this be said");
    else if (answer->next_update)
        send_kept(question, answer, cs_enrol_now(server));
    else
        cs_question_answer(question, 200, type, answer->der);
}

void cs_on_ocsp(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    struct cs_ca_answer answer;
    int r = cs_ca_ocsp(server->ca, question->body, cs_enrol_now(server), &question->arena, &answer);

    tell(server, question, r, &answer);
}

void cs_on_ocsp_path(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    struct cs_str text = question->holes[0];
    char *bytes = cs_arena_raw(&question->arena, text.len / 4 * 3 + 3);
    struct cs_ca_answer answer;
    size_t len;
    int r;

    if (cs_base64_decode(text, (uint8_t *)bytes, &len) < 0)
        r = cs_ca_decline(MALFORMED_REQUEST, &question->arena, &answer);
    else
        r = cs_ca_ocsp(server->ca, cs_str_make(bytes, len), cs_enrol_now(server), &question->arena,
                       &answer);
    tell(server, question, r, &answer);
}
