/* A clause from the table, filled with what the client has sent or was sent. */
#include "explain/reason.h"

#include "base/time.h"
#include "explain/text.h"
#include "policy/policy.h"
#include "x509/chain.h"
#include "x509/name.h"

enum { NAMES_SHOWN = 16, NAME_SHOWN = 256, CLAUSE_MAX = 16384 };

static const struct reason {
    struct cs_str code;
    const char *text, *of_issuer;
} reasons[] = {
#define CS_REASON(code, text, of_issuer) {CS_STR_INIT(code), text, of_issuer},
#include "explain/reasons.def"
#undef CS_REASON
};

static const char *clause_for(const struct cs_finding *cause, bool of_issuer)
{
    struct cs_str code = cs_str_from(cause->kind->code);

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (cs_str_eq(reasons[i].code, code))
            return of_issuer && reasons[i].of_issuer ? reasons[i].of_issuer : reasons[i].text;
    }
    return "the client certificate was not accepted";
}

static struct cs_str date(struct cs_arena *arena, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(arena, cs_time_iso(sec, text));
}

static struct cs_str asked_text(const struct cs_names *asked, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; asked && i < asked->n && i < NAMES_SHOWN; i++)
        text = cs_arena_printf(arena, "%.*s%s\"%.*s\"", CS_FMT(text),
                               i ? ", " : "; it was asked for one issued by ",
                               CS_FMT(cs_name_shown(asked->items[i], arena)));
    if (asked && asked->n > NAMES_SHOWN)
        text = cs_arena_printf(arena, "%.*s and %zu others", CS_FMT(text), asked->n - NAMES_SHOWN);
    return text;
}

/* The name that an identity would be made of. */
static const struct cs_claim *first_name(const struct cs_claims *names)
{
    for (size_t i = 0; i < names->n; i++) {
        if (names->items[i].kind == CS_CLAIM_URI)
            return &names->items[i];
    }
    return names->n ? &names->items[0] : NULL;
}

/* Who asks, by what the client itself has shown. */
static struct cs_str asker(const struct cs_verdict *verdict, struct cs_arena *arena)
{
    struct cs_claims names;
    struct cs_str name;

    if (!verdict || !verdict->leaf)
        return CS_STR("a client without a certificate");
    if (!verdict->accepted)
        return CS_STR("a client whose certificate was not verified");
    names = cs_policy_names(verdict->leaf, arena);
    if (!first_name(&names))
        return CS_STR("a client certificate without a name");
    name = cs_claim_text(first_name(&names), arena);
    if (name.len > NAME_SHOWN)
        name = cs_arena_printf(arena, "%.*s…", CS_FMT(cs_str_sub(name, 0, NAME_SHOWN)));
    return cs_arena_printf(arena, "the client certificate of \"%.*s\"", CS_FMT(name));
}

struct cs_str cs_explain_reason(const struct cs_finding *cause, const struct cs_verdict *verdict,
                                const struct cs_names *asked, struct cs_arena *arena)
{
    const struct cs_cert *leaf = verdict ? verdict->leaf : NULL;
    bool of_issuer = verdict && verdict->error_depth > 0;
    struct cs_str operands[CS_FINDING_OPERANDS] = {{0}};
    struct cs_str text;
    struct cs_buf buf;

    if (leaf) {
        operands[0] = cs_name_shown(leaf->subject, arena);
        operands[1] = cs_name_shown(leaf->issuer, arena);
        operands[2] = date(arena, leaf->not_after);
        operands[3] = date(arena, leaf->not_before);
    }
    operands[4] = asked_text(asked, arena);
    operands[5] = asker(verdict, arena);
    cs_buf_init(&buf, CLAUSE_MAX);
    (void)!cs_explain_template(&buf, clause_for(cause, of_issuer), operands, CS_FINDING_OPERANDS);
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}
