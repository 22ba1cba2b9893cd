/* One step of mutual authentication, with what was seen in it. */
#ifndef CS_DOCTOR_STEP_H
#define CS_DOCTOR_STEP_H

#include "base/arena.h"
#include "base/findings.h"

enum cs_mark {
    CS_MARK_OPEN, /* not reached, not wanted, or nothing can be said */
    CS_MARK_GOOD,
    CS_MARK_BAD,
};

enum cs_fact_kind { CS_FACT_TEXT, CS_FACT_NUMBER, CS_FACT_FLAG, CS_FACT_LIST };

struct cs_fact {
    struct cs_fact *next;
    enum cs_fact_kind kind;
    const char *label; /* for people; NULL: they see it in the summary */
    const char *key;   /* for programs */
    struct cs_str text;
    int64_t number; /* also of a flag */
    const struct cs_str *items;
    size_t n_items;
};

struct cs_step {
    struct cs_step *next;
    const char *name; /* for programs; people see blanks in place of hyphens */
    enum cs_mark mark;
    struct cs_str summary; /* the rest of its line, for people */
    struct cs_fact *facts, *last;
    const struct cs_finding *findings; /* linked; NULL: none */
};

/* In order. Zeroed with an arena set is empty; everything lives in the arena or longer. */
struct cs_steps {
    struct cs_arena *arena;
    struct cs_step *first, *last;
};

/** cs_step_add() - another step; @name is static, @summary borrowed. */
struct cs_step *cs_step_add(struct cs_steps *steps, const char *name, enum cs_mark mark,
                            struct cs_str summary);
/** cs_step_text() - a fact of the last step; an empty @value is left out. Texts are borrowed. */
void cs_step_text(struct cs_steps *steps, const char *label, const char *key, struct cs_str value);
/** cs_step_number() - a number, for programs only. */
void cs_step_number(struct cs_steps *steps, const char *key, int64_t value);
/** cs_step_flag() - yes or no, for programs only. */
void cs_step_flag(struct cs_steps *steps, const char *key, bool value);
/** cs_step_list() - several texts under one label; left out when there are none. Borrowed. */
void cs_step_list(struct cs_steps *steps, const char *label, const char *key,
                  const struct cs_str *items, size_t n);
/** cs_step_find() - the step called @name, or NULL. */
const struct cs_step *cs_step_find(const struct cs_steps *steps, const char *name);

#endif
