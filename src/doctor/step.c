/* Lists that grow at their end, in an arena. */
#include "doctor/step.h"

#include <string.h>

struct cs_step *cs_step_add(struct cs_steps *steps, const char *name, enum cs_mark mark,
                            struct cs_str summary)
{
    struct cs_step *step = CS_ARENA_NEW(steps->arena, struct cs_step);

    step->name = name;
    step->mark = mark;
    step->summary = summary;
    if (steps->last)
        steps->last->next = step;
    else
        steps->first = step;
    steps->last = step;
    return step;
}

static struct cs_fact *add(struct cs_steps *steps, enum cs_fact_kind kind, const char *label,
                           const char *key)
{
    struct cs_fact *fact = CS_ARENA_NEW(steps->arena, struct cs_fact);
    struct cs_step *step = steps->last;

    fact->kind = kind;
    fact->label = label;
    fact->key = key;
    if (step->last)
        step->last->next = fact;
    else
        step->facts = fact;
    step->last = fact;
    return fact;
}

void cs_step_text(struct cs_steps *steps, const char *label, const char *key, struct cs_str value)
{
    if (value.len)
        add(steps, CS_FACT_TEXT, label, key)->text = value;
}

void cs_step_number(struct cs_steps *steps, const char *key, int64_t value)
{
    add(steps, CS_FACT_NUMBER, NULL, key)->number = value;
}

void cs_step_flag(struct cs_steps *steps, const char *key, bool value)
{
    add(steps, CS_FACT_FLAG, NULL, key)->number = value;
}

void cs_step_list(struct cs_steps *steps, const char *label, const char *key,
                  const struct cs_str *items, size_t n)
{
    struct cs_fact *fact;

    if (!n)
        return;
    fact = add(steps, CS_FACT_LIST, label, key);
    fact->items = items;
    fact->n_items = n;
}

const struct cs_step *cs_step_find(const struct cs_steps *steps, const char *name)
{
    for (const struct cs_step *step = steps->first; step; step = step->next) {
        if (strcmp(step->name, name) == 0)
            return step;
    }
    return NULL;
}
