/* For each type the most exact range that covers it decides its weight. */
#include "http/accept.h"

#include "http/headers.h"

enum { EXACT = 3, SUBTYPE_ANY = 2, ANY = 1, NOT = 0, MAX_WEIGHT = 1000 };

/* How exactly @range covers @type. */
static int covers(struct cs_str range, struct cs_str type)
{
    struct cs_str rest = type, main = cs_str_cut(&rest, '/');

    if (cs_str_eq_nocase(range, type))
        return EXACT;
    if (cs_str_eq(range, CS_STR("*/*")))
        return ANY;
    if (range.len == main.len + 2 && cs_str_starts_nocase(range, main) &&
        cs_str_ends(range, CS_STR("/*")))
        return SUBTYPE_ANY;
    return NOT;
}

/* "0.5" in thousandths; -1: no weight (RFC 9110 section 12.4.2). */
static int weight_of(struct cs_str text)
{
    int weight = 0, place = 100;

    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
        (text.len > 1 && text.ptr[1] != '.'))
        return -1;
    for (size_t i = 2; i < text.len; i++, place /= 10) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        weight += (text.ptr[i] - '0') * place;
    }
    if (text.ptr[0] == '1')
        return weight ? -1 : MAX_WEIGHT;
    return weight;
}

/* Take one element apart: the range, and its weight; parameters of the type do not count. */
static struct cs_str read_range(struct cs_str element, int *ret_weight)
{
    struct cs_str range = cs_str_trim(cs_str_cut(&element, ';'));

    *ret_weight = MAX_WEIGHT;
    while (element.ptr) {
        struct cs_str value = cs_str_trim(cs_str_cut(&element, ';'));
        struct cs_str name = cs_str_cut(&value, '=');
        if (cs_str_eq_nocase(name, CS_STR("q")))
            *ret_weight = weight_of(value);
    }
    return range;
}

/* What @type is worth: its weight, and then how exactly it was named. -1: it is not wanted. */
static int worth(struct cs_str accept, struct cs_str type)
{
    struct cs_str element;
    int best = NOT, best_weight = 0;

    while ((element = cs_list_element(&accept)).ptr) {
        int weight, exactness;
        struct cs_str range = read_range(element, &weight);
        exactness = covers(range, type);
        if (weight >= 0 && exactness > best) {
            best = exactness;
            best_weight = weight;
        }
    }
    return best_weight ? best_weight * 4 + best : -1;
}

size_t cs_accept_choose(struct cs_str accept, const struct cs_str *types, size_t n)
{
    size_t chosen = 0;
    int most = -1;

    for (size_t i = 0; i < n; i++) {
        int w = worth(accept, types[i]);
        if (w > most) {
            most = w;
            chosen = i;
        }
    }
    return chosen;
}
