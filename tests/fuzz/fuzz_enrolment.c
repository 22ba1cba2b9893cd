/* What a client of an authority reads: answers, refusals, /ca.pem, its own state.json, addresses.
 * What is told of a refusal has no control characters, and a state that was read is written so that
 * it reads the same. */
#include "base/panic.h"
#include "enrol/grant.h"
#include "enrol/papers.h"
#include "enrol/state.h"
#include "enrol/url.h"
#include "explain/finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_problem(struct cs_str body, struct cs_arena *arena)
{
    const struct cs_finding *finding = cs_grant_problem(body, arena);
    struct cs_buf buf;

    if (!finding)
        return;
    cs_buf_init(&buf, 1 << 20);
    cs_assert(cs_explain_line(finding, &buf) == 0);
    for (size_t i = 0; i < buf.len; i++)
        cs_assert((uint8_t)buf.ptr[i] >= 0x20);
    cs_buf_deinit(&buf);
}

static void try_grant(struct cs_str body, struct cs_arena *arena)
{
    struct cs_grant grant;
    size_t n;

    if (cs_grant_read(body, arena, &grant))
        return;
    (void)cs_papers_clean(grant.certificate, arena, &n);
    (void)cs_papers_clean(grant.chain, arena, &n);
}

static void try_roots(struct cs_str pem, struct cs_arena *arena)
{
    static const uint8_t pin[32];
    size_t n;
    struct cs_str clean = cs_papers_clean(pem, arena, &n), again;

    (void)cs_papers_root(pem, pin, arena);
    (void)cs_papers_fingerprints(pem, arena);
    again = cs_papers_clean(clean, arena, &n);
    cs_assert(cs_str_eq(clean, again));
    cs_assert(!clean.len || cs_papers_share(clean, pem, arena));
}

static void try_state(struct cs_str json, struct cs_arena *arena)
{
    struct cs_enrol_state state, again;
    struct cs_buf a, b;

    if (cs_enrol_state_read(json, arena, &state))
        return;
    cs_buf_init(&a, 1 << 24);
    cs_buf_init(&b, 1 << 24);
    cs_assert(cs_enrol_state_write(&state, &a) == 0);
    if (!cs_enrol_state_read(cs_buf_str(&a), arena, &again)) { /* not so when a year has 5 digits */
        cs_assert(cs_enrol_state_write(&again, &b) == 0);
        cs_assert(cs_str_eq(cs_buf_str(&a), cs_buf_str(&b)));
    }
    cs_buf_deinit(&a);
    cs_buf_deinit(&b);
}

static void try_address(struct cs_str text)
{
    struct cs_url url;
    uint8_t pin[32];

    if (!cs_url_parse(text, &url))
        cs_assert(url.host.len > 0 && url.host.len + url.path.len < text.len);
    (void)!cs_pin_parse(text, pin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str text = cs_str_make(data, size);
    struct cs_arena arena = {0};

    try_problem(text, &arena);
    try_grant(text, &arena);
    try_roots(text, &arena);
    try_state(text, &arena);
    try_address(text);
    cs_arena_deinit(&arena);
    return 0;
}
