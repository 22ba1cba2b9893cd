/* The pattern is the administrator's, the subject a stranger's: so the work of one match is
 * limited, and running into the limit is an error, never "no match". Compiled code runs on
 * the machine stack; where that is too small for a subject, the interpreter takes over. */
#include "route/regex.h"

#include "base/mem.h"
#include "route/findings.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdio.h>

enum {
    MATCH_LIMIT = 200000, /* steps of backtracking: about a millisecond */
    DEPTH_LIMIT = 20000,
    HEAP_LIMIT_KIB = 4096,
};

struct cs_regex {
    pcre2_code *code;
    pcre2_match_data *scratch;
    pcre2_match_context *limits;
    const unsigned char *names; /* PCRE2's table: two bytes of group, then the name and a NUL */
    uint32_t name_size, n_names, n_groups;
};

static void note_invalid(struct cs_str pattern, int error, size_t offset,
                         const struct cs_place *place, struct cs_findings *findings)
{
    unsigned char words[200];
    char at[24];

    if (pcre2_get_error_message(error, words, sizeof(words)) < 0)
        words[0] = '\0';
    snprintf(at, sizeof(at), "%zu", offset);
    CS_FIND(findings, &cs_route_found_regex_invalid, place, pattern,
            cs_str_from((const char *)words), cs_str_from(at));
}

static bool check_groups(const struct cs_regex *regex, struct cs_str pattern,
                         const struct cs_place *place, struct cs_findings *findings)
{
    char n[12], max[12];

    if (regex->n_groups <= CS_CAPTURES_MAX)
        return true;
    snprintf(n, sizeof(n), "%u", regex->n_groups - 1);
    snprintf(max, sizeof(max), "%d", CS_CAPTURES_MAX - 1);
    CS_FIND(findings, &cs_route_found_regex_too_many_groups, place, pattern, cs_str_from(n),
            cs_str_from(max));
    return false;
}

static struct cs_regex *wrap(pcre2_code *code)
{
    struct cs_regex *regex = CS_NEW(struct cs_regex);

    regex->code = code;
    regex->scratch = pcre2_match_data_create_from_pattern(code, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    cs_assert(regex->scratch && regex->limits);
    pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &regex->n_names);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &regex->name_size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &regex->names);
    regex->n_groups = pcre2_get_ovector_count(regex->scratch);
    return regex;
}

struct cs_regex *cs_regex_compile(struct cs_str pattern, bool nocase, const struct cs_place *place,
                                  struct cs_findings *findings)
{
    uint32_t options = PCRE2_NEVER_BACKSLASH_C | (nocase ? PCRE2_CASELESS : 0);
    const unsigned char *text = (const unsigned char *)(pattern.len ? pattern.ptr : "");
    struct cs_regex *regex;
    pcre2_code *code;
    size_t offset;
    int error;

    code = pcre2_compile(text, pattern.len, options, &error, &offset, NULL);
    if (!code) {
        note_invalid(pattern, error, offset, place, findings);
        return NULL;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it the interpreter serves */
    regex = wrap(code);
    if (!check_groups(regex, pattern, place, findings)) {
        cs_regex_free(regex);
        return NULL;
    }
    return regex;
}

void cs_regex_free(struct cs_regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->scratch);
    pcre2_code_free(regex->code);
    free(regex);
}

static int search(const struct cs_regex *regex, struct cs_str subject)
{
    const unsigned char *text = (const unsigned char *)(subject.len ? subject.ptr : "");
    int r = pcre2_match(regex->code, text, subject.len, 0, 0, regex->scratch, regex->limits);

    if (r == PCRE2_ERROR_JIT_STACKLIMIT)
        r = pcre2_match(regex->code, text, subject.len, 0, PCRE2_NO_JIT, regex->scratch,
                        regex->limits);
    return r;
}

static int fault(int error)
{
    bool limit = error == PCRE2_ERROR_MATCHLIMIT || error == PCRE2_ERROR_DEPTHLIMIT ||
                 error == PCRE2_ERROR_HEAPLIMIT || error == PCRE2_ERROR_NOMEMORY;
    return limit ? -EOVERFLOW : -EINVAL;
}

int cs_regex_match(const struct cs_regex *regex, struct cs_str subject,
                   struct cs_captures *ret_captures)
{
    int r = search(regex, subject);
    const size_t *pairs;

    if (r < 0)
        return r == PCRE2_ERROR_NOMATCH ? 0 : fault(r);
    pairs = pcre2_get_ovector_pointer(regex->scratch);
    ret_captures->regex = regex;
    ret_captures->n = regex->n_groups;
    for (unsigned i = 0; i < regex->n_groups; i++) {
        size_t from = pairs[2 * i], to = pairs[2 * i + 1];
        ret_captures->groups[i] = (struct cs_str){0};
        if (from != PCRE2_UNSET)
            ret_captures->groups[i] = cs_str_sub(subject, from, to > from ? to - from : 0);
    }
    return 1;
}

size_t cs_regex_n_names(const struct cs_regex *regex)
{
    return regex->n_names;
}

struct cs_str cs_regex_name(const struct cs_regex *regex, size_t i, unsigned *ret_group)
{
    const unsigned char *entry = regex->names + i * regex->name_size;

    cs_assert(i < regex->n_names);
    *ret_group = (unsigned)entry[0] << 8 | entry[1];
    return cs_str_from((const char *)entry + 2);
}

struct cs_str cs_captures_named(const struct cs_captures *captures, struct cs_str name)
{
    size_t n = captures->regex ? captures->regex->n_names : 0;
    struct cs_str found = {0};

    for (size_t i = 0; i < n && !found.ptr; i++) {
        unsigned group;
        if (cs_str_eq(cs_regex_name(captures->regex, i, &group), name))
            found = captures->groups[group];
    }
    return found;
}
