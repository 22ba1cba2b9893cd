/* A certificate that is out of its time may be as it should be, and the clock wrong. Only a time
 * server's word, under which the certificate would be good, makes that the cause; what the
 * kernel and the peer say is told as evidence. */
#include "explain/clock.h"

#include "base/time.h"
#include "explain/case.h"
#include "explain/findings.h"
#include "x509/chain.h"
#include "x509/findings.h"

/* Closer than this, two clocks agree: answers take their time. */
enum { AGREE_MS = 2000 };

bool cs_clock_matters(const struct cs_finding_kind *kind)
{
    return kind == CS_X509_KIND(CERTIFICATE_EXPIRED) ||
           kind == CS_X509_KIND(CERTIFICATE_NOT_YET_VALID) ||
           kind == CS_X509_KIND(ISSUER_EXPIRED) || kind == CS_X509_KIND(CRL_EXPIRED) ||
           kind == CS_X509_KIND(CRL_NOT_YET_VALID) || kind == &cs_cause_clock_skew;
}

/* "3 d 2 h", "12 s": two units at most. */
static struct cs_str span_text(int64_t ms, struct cs_arena *arena)
{
    long long s = (ms < 0 ? -ms : ms) / 1000;

    if (s >= 86400)
        return cs_arena_printf(arena, "%lld d %lld h", s / 86400, s / 3600 % 24);
    if (s >= 3600)
        return cs_arena_printf(arena, "%lld h %lld min", s / 3600, s / 60 % 60);
    if (s >= 60)
        return cs_arena_printf(arena, "%lld min %lld s", s / 60, s % 60);
    return cs_arena_printf(arena, "%lld s", s);
}

static struct cs_str kernel_text(const struct cs_clock *clock, struct cs_arena *arena)
{
    if (!clock->kernel_known)
        return (struct cs_str){0};
    if (!clock->synchronised)
        return CS_STR("the kernel knows of nothing that keeps it in step");
    return cs_arena_printf(arena, "the kernel says it is in step to %lld ms",
                           (long long)clock->error_ms);
}

static struct cs_str server_text(const struct cs_clock *clock, struct cs_arena *arena)
{
    bool agrees = clock->ahead_ms < AGREE_MS && clock->ahead_ms > -AGREE_MS;

    if (!clock->measured)
        return (struct cs_str){0};
    if (agrees)
        return cs_arena_printf(arena, "it agrees with that of \"%.*s\"", CS_FMT(clock->source));
    return cs_arena_printf(arena, "it is %.*s %s that of \"%.*s\"",
                           CS_FMT(span_text(clock->ahead_ms, arena)),
                           clock->ahead_ms < 0 ? "behind" : "ahead of", CS_FMT(clock->source));
}

static struct cs_str peer_text(const struct cs_clock *clock, int64_t now_ms, struct cs_arena *arena)
{
    int64_t ahead_ms = now_ms - clock->peer_sec * 1000;

    if (!clock->peer_known)
        return (struct cs_str){0};
    if (ahead_ms < AGREE_MS && ahead_ms > -AGREE_MS)
        return CS_STR("it agrees with the peer's");
    return cs_arena_printf(arena, "it is %.*s %s the peer's", CS_FMT(span_text(ahead_ms, arena)),
                           ahead_ms < 0 ? "behind" : "ahead of");
}

struct cs_str cs_clock_text(const struct cs_clock *clock, int64_t now_ms, struct cs_arena *arena)
{
    const struct cs_str parts[] = {kernel_text(clock, arena), server_text(clock, arena),
                                   peer_text(clock, now_ms, arena)};
    struct cs_str text = {0};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].len)
            text = cs_arena_printf(arena, "%.*s%s%.*s", CS_FMT(text), text.len ? "; " : "",
                                   CS_FMT(parts[i]));
    }
    return text;
}

/* The certificate that the verdict is about, or NULL. */
static const struct cs_cert *judged_cert(const struct cs_verdict *verdict)
{
    size_t i = (size_t)verdict->error_depth;

    return i < verdict->n_presented ? &verdict->presented[i] : NULL;
}

const struct cs_finding *cs_case_clock(const struct cs_case *c, const struct cs_finding *cause)
{
    const struct cs_clock *clock = c->record->clock;
    const struct cs_cert *cert = c->record->verdict ? judged_cert(c->record->verdict) : NULL;
    char here[CS_TIME_TEXT], there[CS_TIME_TEXT], from[CS_TIME_TEXT], until[CS_TIME_TEXT];
    int64_t right_sec;

    if (!clock || !clock->measured || !cert || !c->record->now_ms ||
        (clock->ahead_ms < AGREE_MS && clock->ahead_ms > -AGREE_MS))
        return cause;
    right_sec = (c->record->now_ms - clock->ahead_ms) / 1000;
    if (right_sec < cert->not_before || right_sec >= cert->not_after)
        return cause;
    return CS_CASE_FIND(c, &cs_cause_clock_skew, c->who, cause->operands[0], cause->operands[1],
                        cs_arena_printf(c->arena, "%.*s here, %.*s at \"%.*s\"",
                                        CS_FMT(cs_time_iso(c->record->now_ms / 1000, here)),
                                        CS_FMT(cs_time_iso(right_sec, there)),
                                        CS_FMT(clock->source)),
                        cs_arena_printf(c->arena, "from %.*s until %.*s",
                                        CS_FMT(cs_time_iso(cert->not_before, from)),
                                        CS_FMT(cs_time_iso(cert->not_after, until))));
}
