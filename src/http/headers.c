/* Header lists are short arrays: a linear walk over ids and lengths beats any index at the
 * sizes that the limits allow, and keeps the order received. Frequent names are recognised
 * once, by length and then by comparison. */
#include "http/headers.h"

#include "http/chars.h"

#define ONCE 1
#define HOP 2

/* Fields that most messages do with. */
enum { FIRST_CAP = 16 };

struct row {
    struct cs_str name;
    uint8_t flags;
};

static const struct row rows[CS_HEADER_N] = {
    [CS_HEADER_OTHER] = {CS_STR_INIT(""), 0},
#define CS_HEADER(id, text, bits) [CS_HEADER_##id] = {CS_STR_INIT(text), bits},
#include "http/headers.def"
#undef CS_HEADER
};

/* The first id whose name has at least @len bytes: a binary search, the rows being sorted. */
static unsigned first_of_length(size_t len)
{
    unsigned low = 1, high = CS_HEADER_N;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rows[middle].name.len < len)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum cs_header_id cs_header_lookup(struct cs_str name)
{
    unsigned id = first_of_length(name.len);
    char last = name.len ? cs_lower(name.ptr[name.len - 1]) : '\0';

    for (; id < CS_HEADER_N && rows[id].name.len == name.len; id++)
        if (cs_lower(rows[id].name.ptr[name.len - 1]) == last &&
            cs_str_eq_nocase(rows[id].name, name))
            return id;
    return CS_HEADER_OTHER;
}

struct cs_str cs_header_name(enum cs_header_id id)
{
    return rows[id].name;
}

bool cs_header_is_once(enum cs_header_id id)
{
    return rows[id].flags & ONCE;
}

bool cs_header_is_hop(enum cs_header_id id)
{
    return rows[id].flags & HOP;
}

bool cs_header_name_valid(struct cs_str name)
{
    return name.len > 0 && cs_chars_all(name, CS_CHAR_TOKEN);
}

static char folded(char c)
{
    return c == '_' || c == '.' ? '-' : cs_lower(c);
}

bool cs_header_same_name(struct cs_str a, struct cs_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (folded(a.ptr[i]) != folded(b.ptr[i]))
            return false;
    return true;
}

static void grow(struct cs_headers *headers, struct cs_arena *arena)
{
    size_t cap = headers->cap ? headers->cap * 2 : FIRST_CAP;
    struct cs_header *items = cs_arena_array(arena, cap, sizeof(*items));

    if (headers->n)
        memcpy(items, headers->items, headers->n * sizeof(*items));
    headers->items = items;
    headers->cap = cap;
}

void cs_headers_add_known(struct cs_headers *headers, struct cs_arena *arena, struct cs_str name,
                          struct cs_str value, enum cs_header_id known)
{
    if (headers->n == headers->cap)
        grow(headers, arena);
    headers->items[headers->n++] = (struct cs_header){name, value, (uint8_t)known};
}

void cs_headers_add(struct cs_headers *headers, struct cs_arena *arena, struct cs_str name,
                    struct cs_str value)
{
    cs_headers_add_known(headers, arena, name, value, cs_header_lookup(name));
}

struct cs_headers cs_headers_copy(const struct cs_headers *headers, struct cs_arena *arena)
{
    struct cs_headers copy = {0};

    if (!headers->n)
        return copy;
    copy.cap = headers->n + 8;
    copy.n = headers->n;
    copy.items = cs_arena_array(arena, copy.cap, sizeof(*copy.items));
    memcpy(copy.items, headers->items, headers->n * sizeof(*copy.items));
    return copy;
}

static bool is_named(const struct cs_header *h, struct cs_str name, enum cs_header_id id)
{
    return h->known == id && (id != CS_HEADER_OTHER || cs_str_eq_nocase(h->name, name));
}

static struct cs_header *find_from(const struct cs_headers *headers, size_t from,
                                   struct cs_str name, enum cs_header_id id)
{
    for (size_t i = from; i < headers->n; i++)
        if (is_named(&headers->items[i], name, id))
            return &headers->items[i];
    return NULL;
}

struct cs_header *cs_headers_find(const struct cs_headers *headers, struct cs_str name)
{
    return find_from(headers, 0, name, cs_header_lookup(name));
}

struct cs_header *cs_headers_find_id(const struct cs_headers *headers, enum cs_header_id id)
{
    return find_from(headers, 0, rows[id].name, id);
}

struct cs_header *cs_headers_next(const struct cs_headers *headers, const struct cs_header *after)
{
    return find_from(headers, (size_t)(after - headers->items) + 1, after->name, after->known);
}

struct cs_str cs_headers_value(const struct cs_headers *headers, struct cs_str name)
{
    const struct cs_header *h = cs_headers_find(headers, name);
    return h ? h->value : (struct cs_str){0};
}

static size_t remove_named(struct cs_headers *headers, struct cs_str name, enum cs_header_id id)
{
    size_t kept = 0, n = headers->n;

    for (size_t i = 0; i < n; i++)
        if (!is_named(&headers->items[i], name, id))
            headers->items[kept++] = headers->items[i];
    headers->n = kept;
    return n - kept;
}

size_t cs_headers_remove(struct cs_headers *headers, struct cs_str name)
{
    return remove_named(headers, name, cs_header_lookup(name));
}

size_t cs_headers_remove_id(struct cs_headers *headers, enum cs_header_id id)
{
    return remove_named(headers, rows[id].name, id);
}

size_t cs_headers_remove_same(struct cs_headers *headers, struct cs_str name)
{
    size_t kept = 0, n = headers->n;

    for (size_t i = 0; i < n; i++)
        if (!cs_header_same_name(headers->items[i].name, name))
            headers->items[kept++] = headers->items[i];
    headers->n = kept;
    return n - kept;
}

/* The length of the element at the front of @s: up to a comma outside quotes. */
static size_t element_len(struct cs_str s)
{
    bool quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        if (quoted && s.ptr[i] == '\\' && i + 1 < s.len)
            i++;
        else if (s.ptr[i] == '"')
            quoted = !quoted;
        else if (s.ptr[i] == ',' && !quoted)
            return i;
    }
    return s.len;
}

struct cs_str cs_list_element(struct cs_str *rest)
{
    while (rest->len) {
        size_t len = element_len(*rest);
        struct cs_str element = cs_str_trim(cs_str_sub(*rest, 0, len));
        *rest = cs_str_skip(*rest, len < rest->len ? len + 1 : len);
        if (element.len)
            return element;
    }
    return (struct cs_str){0};
}

static bool list_has(struct cs_str list, struct cs_str token)
{
    for (struct cs_str e = cs_list_element(&list); e.ptr; e = cs_list_element(&list))
        if (cs_str_eq_nocase(e, token))
            return true;
    return false;
}

bool cs_headers_has_token(const struct cs_headers *headers, enum cs_header_id id,
                          struct cs_str token)
{
    for (size_t i = 0; i < headers->n; i++)
        if (headers->items[i].known == id && list_has(headers->items[i].value, token))
            return true;
    return false;
}

static bool has_same_name(struct cs_str name, const struct cs_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cs_header_same_name(name, names[i]))
            return true;
    return false;
}

/* Whether the peer said that this field is for this connection only, and may say so. */
static bool is_listed(const struct cs_headers *headers, const struct cs_header *h)
{
    return h->known != CS_HEADER_HOST && h->known != CS_HEADER_CONTENT_LENGTH &&
           cs_headers_has_token(headers, CS_HEADER_CONNECTION, h->name);
}

size_t cs_headers_remove_hop_by_hop(struct cs_headers *headers,
                                    const struct cs_str *protected_names, size_t n_protected)
{
    const struct cs_header *connection = cs_headers_find_id(headers, CS_HEADER_CONNECTION);
    size_t n = headers->n, kept = 0;

    /* Mark first: the Connection fields must stay readable until all are judged. */
    for (size_t i = 0; i < n; i++) {
        struct cs_header *h = &headers->items[i];
        bool drop = cs_header_is_hop(h->known) || (connection && is_listed(headers, h));
        if (drop && h->known != CS_HEADER_CONNECTION &&
            !has_same_name(h->name, protected_names, n_protected))
            h->name.len = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct cs_header *h = &headers->items[i];
        if (h->name.len && h->known != CS_HEADER_CONNECTION)
            headers->items[kept++] = *h;
    }
    headers->n = kept;
    return n - kept;
}
