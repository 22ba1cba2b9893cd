/* Header fields: a list in the order received, kept in an arena.
 *
 * Names and values are borrowed from whoever added them (the head that was parsed, a
 * configuration, an arena) and live as long as that does. Nothing here folds several
 * fields of one name into one: cs_headers_find() gives the first, cs_headers_next() the
 * others, and whoever decides about a request has to look at all of them.
 */
#ifndef CS_HTTP_HEADERS_H
#define CS_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Frequent names (headers.def); everything else is CS_HEADER_OTHER. */
enum cs_header_id {
    CS_HEADER_OTHER = 0,
#define CS_HEADER(id, name, flags) CS_HEADER_##id,
#include "http/headers.def"
#undef CS_HEADER
    CS_HEADER_N
};

struct cs_header {
    struct cs_str name;
    struct cs_str value;
    uint8_t known; /* enum cs_header_id */
};

/* A zeroed cs_headers is a valid empty one. */
struct cs_headers {
    struct cs_header *items;
    size_t n, cap;
};

/** cs_header_lookup() - the id of a name, in any case; CS_HEADER_OTHER when not frequent. */
enum cs_header_id cs_header_lookup(struct cs_str name);
/** cs_header_name() - the usual spelling of a frequent name ("Content-Length"); static. */
struct cs_str cs_header_name(enum cs_header_id id);
/** cs_header_is_once() - whether a message that repeats this field is refused. */
bool cs_header_is_once(enum cs_header_id id);
/** cs_header_is_hop() - whether the field concerns one connection only
 *  (RFC 9110 section 7.6.1) and must not be forwarded. */
bool cs_header_is_hop(enum cs_header_id id);
/** cs_header_name_valid() - whether @name is a token (RFC 9110 section 5.6.2). */
bool cs_header_name_valid(struct cs_str name);
/** cs_header_same_name() - whether a backend might take two names for one: case, '-', '_'
 *  and '.' make no difference (CGI and its heirs map all of them to '_'). */
bool cs_header_same_name(struct cs_str a, struct cs_str b);

/** cs_headers_add() - append a field; the list grows in @arena, the texts are borrowed. */
void cs_headers_add(struct cs_headers *headers, struct cs_arena *arena, struct cs_str name,
                    struct cs_str value);
/** cs_headers_add_known() - the same with the id already looked up. */
void cs_headers_add_known(struct cs_headers *headers, struct cs_arena *arena, struct cs_str name,
                          struct cs_str value, enum cs_header_id known);
/** cs_headers_copy() - another list with the same fields, in @arena; texts stay borrowed. */
struct cs_headers cs_headers_copy(const struct cs_headers *headers, struct cs_arena *arena);

/** cs_headers_find() - the first field named @name, in any case. Return: field, or NULL.
 *  Borrowed until the list is next changed. */
struct cs_header *cs_headers_find(const struct cs_headers *headers, struct cs_str name);
/** cs_headers_find_id() - the same for a frequent name. */
struct cs_header *cs_headers_find_id(const struct cs_headers *headers, enum cs_header_id id);
/** cs_headers_next() - the next field with the same name as @after. Return: field, or NULL. */
struct cs_header *cs_headers_next(const struct cs_headers *headers, const struct cs_header *after);
/** cs_headers_value() - the value of the first field named @name; NULL pointer when absent. */
struct cs_str cs_headers_value(const struct cs_headers *headers, struct cs_str name);

/** cs_headers_remove() - drop every field named @name, in any case. Return: how many. */
size_t cs_headers_remove(struct cs_headers *headers, struct cs_str name);
/** cs_headers_remove_id() - the same for a frequent name. */
size_t cs_headers_remove_id(struct cs_headers *headers, enum cs_header_id id);
/** cs_headers_remove_same() - drop every field whose name cs_header_same_name() takes for
 *  @name: for headers that carry an identity. Return: how many. */
size_t cs_headers_remove_same(struct cs_headers *headers, struct cs_str name);

/** cs_list_element() - take the next element of a comma separated list off *@rest, trimmed;
 *  empty elements are skipped (RFC 9110 section 5.6.1). Commas inside quoted strings do not
 *  separate. Return: the element, or a NULL pointer at the end. */
struct cs_str cs_list_element(struct cs_str *rest);
/** cs_headers_has_token() - whether any field @id lists @token, in any case. */
bool cs_headers_has_token(const struct cs_headers *headers, enum cs_header_id id,
                          struct cs_str token);

/** cs_headers_remove_hop_by_hop() - drop what concerns the connection it came on: the
 *  standard fields and those that `Connection` names (RFC 9110 section 7.6.1), but no field
 *  that @protected has by cs_header_same_name(), nor any that frames or routes the message
 *  (Host, Content-Length): a peer must not be able to strip what was decided about it.
 *  Return: how many were dropped. */
size_t cs_headers_remove_hop_by_hop(struct cs_headers *headers,
                                    const struct cs_str *protected_names, size_t n_protected);

#endif
