/* Names. One walk over the attributes and one decoder of characters serve checking, both
 * text forms, and comparison. Strings carry their length everywhere; nothing stops at NUL. */
#include "x509/name.h"

#include <openssl/objects.h>
#include <openssl/asn1.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "x509/der.h"

/* More attributes than any real name has. */
enum { ATTRIBUTES_MAX = 64, TEXT_MAX = 64 * 1024 };
/* Bytes of a name that is put into a sentence. */
enum { SHOWN = 1024 };

struct attribute {
    struct cs_str oid;
    struct cs_der_element value;
    unsigned set; /* which RelativeDistinguishedName it is of */
};

struct attributes {
    struct attribute items[ATTRIBUTES_MAX];
    size_t n;
};

static bool read_attribute(struct cs_str *in, unsigned set, struct attribute *ret_attribute)
{
    struct attribute a = {.set = set};
    struct cs_str pair;

    if (!cs_der_take(in, CS_DER_SEQUENCE, &pair) || !cs_der_oid(&pair, &a.oid) ||
        !cs_der_any(&pair, &a.value) || pair.len != 0)
        return false;
    *ret_attribute = a;
    return true;
}

/* RFC 5280 section 4.1.2.4. False: malformed; what was read until then is in @ret. */
static bool read_name(struct cs_str name, struct attributes *ret)
{
    struct cs_str rdns, rdn;
    unsigned set = 0;

    ret->n = 0;
    if (!cs_der_take(&name, CS_DER_SEQUENCE, &rdns) || name.len != 0)
        return false;
    for (; rdns.len; set++) {
        if (!cs_der_take(&rdns, CS_DER_SET, &rdn) || rdn.len == 0)
            return false;
        while (rdn.len) {
            if (ret->n == ATTRIBUTES_MAX || !read_attribute(&rdn, set, &ret->items[ret->n]))
                return false;
            ret->n++;
        }
    }
    return true;
}

/* ---- characters ---- */

static bool is_text(uint8_t tag)
{
    switch (tag) {
    case CS_DER_UTF8_STRING:
    case CS_DER_NUMERIC_STRING:
    case CS_DER_PRINTABLE_STRING:
    case CS_DER_T61_STRING:
    case CS_DER_IA5_STRING:
    case CS_DER_VISIBLE_STRING:
    case CS_DER_UNIVERSAL_STRING:
    case CS_DER_BMP_STRING: return true;
    default: return false;
    }
}

static bool next_wide(struct cs_str *s, size_t width, uint32_t *ret_char)
{
    uint32_t c = 0;

    if (s->len < width)
        return false;
    for (size_t i = 0; i < width; i++)
        c = c << 8 | (uint8_t)s->ptr[i];
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return false;
    *s = cs_str_skip(*s, width);
    *ret_char = c;
    return true;
}

/* RFC 3629: no overlong forms, no surrogates. */
static bool next_utf8(struct cs_str *s, uint32_t *ret_char)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = (uint8_t)s->ptr[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);

    if (n == 0 || lead >= 0xf8 || s->len < n)
        return false;
    for (size_t i = 1; i < n; i++) {
        if (((uint8_t)s->ptr[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | ((uint8_t)s->ptr[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return false;
    *s = cs_str_skip(*s, n);
    *ret_char = c;
    return true;
}

/* The next character of a string of type @tag; @s is not empty. */
static bool next_char(uint8_t tag, struct cs_str *s, uint32_t *ret_char)
{
    switch (tag) {
    case CS_DER_UTF8_STRING: return next_utf8(s, ret_char);
    case CS_DER_BMP_STRING: return next_wide(s, 2, ret_char);
    case CS_DER_UNIVERSAL_STRING: return next_wide(s, 4, ret_char);
    case CS_DER_T61_STRING: return next_wide(s, 1, ret_char); /* read as Latin-1, as all do */
    default: return next_wide(s, 1, ret_char) && *ret_char < 0x80;
    }
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* UTF-8 of one character. Return: how many bytes. */
static size_t put_utf8(uint32_t c, char ret[4])
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char)(0xc0 | c >> 6);
        ret[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (char)(0xe0 | c >> 12);
        ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | c >> 18);
    ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
    ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
    ret[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

enum cs_name_fault cs_name_check(struct cs_str name)
{
    struct attributes attributes;
    uint32_t c;

    if (!read_name(name, &attributes))
        return CS_NAME_MALFORMED;
    for (size_t i = 0; i < attributes.n; i++) {
        struct cs_der_element value = attributes.items[i].value;
        if (!is_text(value.tag))
            continue;
        while (value.content.len) {
            if (!next_char(value.tag, &value.content, &c))
                return CS_NAME_MALFORMED;
            if (is_control(c))
                return CS_NAME_CONTROL;
        }
    }
    return CS_NAME_FINE;
}

bool cs_name_is_clean(struct cs_str text, size_t *ret_n_chars)
{
    size_t n = 0;
    uint32_t c;

    for (; text.len; n++) {
        if (!next_utf8(&text, &c) || is_control(c))
            return false;
    }
    *ret_n_chars = n;
    return true;
}

bool cs_name_is_empty(struct cs_str name)
{
    struct cs_str rdns;

    return !cs_der_take(&name, CS_DER_SEQUENCE, &rdns) || rdns.len == 0;
}

/* ---- as text ---- */

/* Short name of an attribute type as the library knows it, or NULL. */
static const char *short_name(struct cs_str oid)
{
    uint8_t der[66] = {CS_DER_OID, (uint8_t)oid.len};
    const uint8_t *p = der;
    ASN1_OBJECT *object;
    int nid;

    if (oid.len > 64)
        return NULL;
    memcpy(der + 2, oid.ptr, oid.len);
    object = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len + 2);
    nid = object ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid == NID_undef ? NULL : OBJ_nid2sn(nid);
}

static void add_type(struct cs_buf *buf, const struct attribute *a, struct cs_arena *arena)
{
    const char *name = short_name(a->oid);

    (void)cs_buf_add_str(buf, name ? cs_str_from(name) : cs_der_oid_text(a->oid, arena));
}

/* RFC 2253 section 2.4: the whole DER in hex, for values that have no text. */
static void add_hex(struct cs_buf *buf, struct cs_str der)
{
    char digits[2];

    (void)cs_buf_add_char(buf, '#');
    for (size_t i = 0; i < der.len; i++) {
        cs_hex_encode(der.ptr + i, 1, true, digits);
        (void)cs_buf_add(buf, digits, sizeof(digits));
    }
}

/* How the two forms of RFC 2253 differ: for programs, and for people. */
struct form {
    const char *separator;
    bool utf8; /* characters beyond ASCII as they are */
};

static const struct form exact = {",", false}, readable = {", ", true};

/* One character of a value with the escapes of RFC 2253 section 2.4. */
static void add_escaped(struct cs_buf *buf, const struct form *form, uint32_t c, bool first,
                        bool last)
{
    char utf8[4];
    size_t n = put_utf8(c, utf8);

    if ((c >= 0x80 && !form->utf8) || is_control(c)) {
        for (size_t i = 0; i < n; i++)
            (void)cs_buf_addf(buf, "\\%02X", (unsigned)(uint8_t)utf8[i]);
        return;
    }
    if ((c < 0x80 && strchr(",+\"\\<>;", (int)c)) || (first && c == '#') ||
        ((first || last) && c == ' '))
        (void)cs_buf_add_char(buf, '\\');
    (void)cs_buf_add(buf, utf8, n);
}

static void add_value(struct cs_buf *buf, const struct form *form, const struct attribute *a)
{
    struct cs_str rest = a->value.content;
    bool first = true;
    uint32_t c;

    if (!is_text(a->value.tag) || !short_name(a->oid)) {
        add_hex(buf, a->value.whole);
        return;
    }
    while (rest.len && next_char(a->value.tag, &rest, &c)) {
        add_escaped(buf, form, c, first, rest.len == 0);
        first = false;
    }
}

static struct cs_str text_in(const struct form *form, struct cs_str name, struct cs_arena *arena)
{
    struct attributes attributes;
    struct cs_str text;
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    (void)read_name(name, &attributes);
    for (size_t i = attributes.n; i-- > 0;) {
        const struct attribute *a = &attributes.items[i];
        if (i + 1 < attributes.n)
            (void)cs_buf_add_str(&buf, cs_str_from(a->set == a[1].set ? "+" : form->separator));
        add_type(&buf, a, arena);
        (void)cs_buf_add_char(&buf, '=');
        add_value(&buf, form, a);
    }
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

struct cs_str cs_name_text(struct cs_str name, struct cs_arena *arena)
{
    return text_in(&exact, name, arena);
}

struct cs_str cs_name_shown(struct cs_str name, struct cs_arena *arena)
{
    return name.len <= SHOWN ? cs_name_text(name, arena)
                             : cs_arena_printf(arena, "a name of %zu bytes", name.len);
}

struct cs_str cs_name_display(struct cs_str name, struct cs_arena *arena)
{
    return text_in(&readable, name, arena);
}

size_t cs_name_attributes(struct cs_str name, struct cs_arena *arena,
                          const struct cs_name_attribute **ret_attributes)
{
    struct attributes attributes;
    struct cs_name_attribute *items;

    (void)read_name(name, &attributes);
    items = cs_arena_array(arena, attributes.n + 1, sizeof(*items));
    for (size_t i = 0; i < attributes.n; i++) {
        const struct attribute *a = &attributes.items[i];
        const char *known = short_name(a->oid);
        items[i] =
            (struct cs_name_attribute){known ? cs_str_from(known) : cs_der_oid_text(a->oid, arena),
                                       a->value.tag, a->value.content};
    }
    *ret_attributes = items;
    return attributes.n;
}

static void add_legacy_char(struct cs_buf *buf, unsigned char c)
{
    if (c < ' ' || c > '~') {
        (void)cs_buf_addf(buf, "\\x%02X", c);
        return;
    }
    if (c == '/' || c == '+')
        (void)cs_buf_add_char(buf, '\\');
    (void)cs_buf_add_char(buf, (char)c);
}

struct cs_str cs_name_legacy_text(struct cs_str name, struct cs_arena *arena)
{
    struct attributes attributes;
    struct cs_str text;
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    (void)read_name(name, &attributes);
    for (size_t i = 0; i < attributes.n; i++) {
        const struct attribute *a = &attributes.items[i];
        struct cs_str value = cs_str_skip(a->value.content, a->value.tag == CS_DER_BIT_STRING);
        (void)cs_buf_add_char(&buf, i && a->set == a[-1].set ? '+' : '/');
        add_type(&buf, a, arena);
        (void)cs_buf_add_char(&buf, '=');
        for (size_t k = 0; k < value.len; k++)
            add_legacy_char(&buf, (unsigned char)value.ptr[k]);
    }
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

static const struct cs_str common_name_oid = CS_STR_INIT("\x55\x04\x03");

/* The characters of one value as UTF-8 in @arena. */
static struct cs_str value_text(const struct attribute *a, struct cs_arena *arena)
{
    struct cs_str rest = a->value.content;
    char *text = cs_arena_raw(arena, rest.len * 3 + 1);
    size_t len = 0;
    uint32_t c;

    if (!is_text(a->value.tag))
        return (struct cs_str){0};
    while (rest.len && next_char(a->value.tag, &rest, &c))
        len += put_utf8(c, text + len);
    return cs_str_make(text, len);
}

struct cs_str cs_name_common_name(struct cs_str name, struct cs_arena *arena)
{
    struct attributes attributes;

    (void)read_name(name, &attributes);
    for (size_t i = attributes.n; i-- > 0;) {
        if (cs_str_eq(attributes.items[i].oid, common_name_oid))
            return value_text(&attributes.items[i], arena);
    }
    return (struct cs_str){0};
}

struct cs_names cs_name_values(struct cs_str name, const char *type, struct cs_arena *arena)
{
    struct attributes attributes;
    struct cs_str *items;
    size_t n = 0;

    (void)read_name(name, &attributes);
    items = cs_arena_array(arena, attributes.n + 1, sizeof(*items));
    for (size_t i = 0; i < attributes.n; i++) {
        const char *known = short_name(attributes.items[i].oid);
        if (known && strcmp(known, type) == 0)
            items[n++] = value_text(&attributes.items[i], arena);
    }
    return (struct cs_names){items, n};
}

/* ---- compared ---- */

struct digest {
    uint8_t bytes[32];
};

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Lower case, blanks at the ends dropped and runs of them made one (RFC 5280 section 7.1,
 * in the part of it that libraries implement: ASCII only). */
static void fold_text(struct cs_buf *buf, struct cs_der_element value)
{
    bool any = false, blank = false;
    uint32_t c;
    char utf8[4];

    while (value.content.len && next_char(value.tag, &value.content, &c)) {
        if (is_blank(c)) {
            blank = any;
            continue;
        }
        if (blank)
            (void)cs_buf_add_char(buf, ' ');
        if (c < 0x80)
            c = (uint32_t)cs_lower((char)c);
        (void)cs_buf_add(buf, utf8, put_utf8(c, utf8));
        any = true;
        blank = false;
    }
}

static void digest_attribute(const struct attribute *a, struct digest *ret)
{
    struct cs_buf buf;

    cs_buf_init(&buf, a->oid.len + 4 * a->value.whole.len + 2);
    (void)cs_buf_add_str(&buf, a->oid);
    (void)cs_buf_add_char(&buf, 0);
    if (is_text(a->value.tag))
        fold_text(&buf, a->value);
    else
        (void)cs_buf_add_str(&buf, a->value.whole);
    SHA256((const uint8_t *)buf.ptr, buf.len, ret->bytes);
    cs_buf_deinit(&buf);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

void cs_name_digest(struct cs_str name, uint8_t ret_digest[32])
{
    struct digest digests[2 * ATTRIBUTES_MAX] = {0}; /* a zero one ends each set */
    struct attributes attributes;
    size_t n = 0;

    (void)read_name(name, &attributes);
    for (size_t i = 0; i < attributes.n; n++) {
        size_t start = n;
        for (unsigned set = attributes.items[i].set;
             i < attributes.n && attributes.items[i].set == set; i++)
            digest_attribute(&attributes.items[i], &digests[n++]);
        qsort(&digests[start], n - start, sizeof(struct digest), by_bytes); /* no order in a set */
    }
    SHA256((const uint8_t *)digests, n * sizeof(struct digest), ret_digest);
}

bool cs_name_eq(struct cs_str a, struct cs_str b)
{
    uint8_t x[32], y[32];

    if (cs_str_eq(a, b))
        return true;
    cs_name_digest(a, x);
    cs_name_digest(b, y);
    return memcmp(x, y, sizeof(x)) == 0;
}

/* ---- host names ---- */

/* Letters, digits, "-", "_" and dots between labels that are not empty: nothing else is
 * matched, neither as pattern nor as host. */
static bool is_host_name(struct cs_str s)
{
    bool empty_label = true;

    for (size_t i = 0; i < s.len; i++) {
        char c = cs_lower(s.ptr[i]);
        if (c == '.') {
            if (empty_label)
                return false;
            empty_label = true;
            continue;
        }
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
        empty_label = false;
    }
    return !empty_label;
}

static struct cs_str without_final_dot(struct cs_str s)
{
    return s.len && s.ptr[s.len - 1] == '.' ? cs_str_sub(s, 0, s.len - 1) : s;
}

/* RFC 9525 section 6.3: "*" is a whole left-most label and stands for exactly one. */
static bool match_pattern(struct cs_str pattern, struct cs_str host)
{
    ptrdiff_t dot = cs_str_find(host, '.');
    struct cs_str tail;

    pattern = without_final_dot(pattern);
    if (!cs_str_starts(pattern, CS_STR("*.")))
        return is_host_name(pattern) && cs_str_eq_nocase(pattern, host);
    tail = cs_str_skip(pattern, 2);
    if (!is_host_name(tail) || cs_str_find(tail, '.') < 0 || dot < 0)
        return false;
    return cs_str_eq_nocase(tail, cs_str_skip(host, (size_t)dot + 1));
}

static bool match_address(const struct cs_cert *cert, const struct cs_addr *addr)
{
    struct cs_str ip = addr->sa.sa_family == AF_INET
                           ? cs_str_make(&addr->in4.sin_addr, sizeof(addr->in4.sin_addr))
                           : cs_str_make(&addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr));

    for (size_t i = 0; i < cert->san.ip.n; i++) {
        if (cs_str_eq(cert->san.ip.items[i], ip))
            return true;
    }
    return false;
}

static bool match_common_names(struct cs_str subject, struct cs_str host)
{
    struct attributes attributes;
    bool match = false;

    (void)read_name(subject, &attributes);
    for (size_t i = 0; i < attributes.n && !match; i++) {
        const struct attribute *a = &attributes.items[i];
        if (!cs_str_eq(a->oid, common_name_oid) || !is_text(a->value.tag) ||
            a->value.tag == CS_DER_BMP_STRING || a->value.tag == CS_DER_UNIVERSAL_STRING)
            continue;
        match = match_pattern(a->value.content, host);
    }
    return match;
}

enum cs_host_match cs_name_match_host(const struct cs_cert *cert, struct cs_str host)
{
    struct cs_addr addr;

    if (cs_addr_parse_ip(host, 0, &addr) == 0)
        return match_address(cert, &addr) ? CS_HOST_YES : CS_HOST_NO;
    host = without_final_dot(host);
    if (!is_host_name(host))
        return CS_HOST_NO;
    for (size_t i = 0; i < cert->san.dns.n; i++) {
        if (match_pattern(cert->san.dns.items[i], host))
            return CS_HOST_YES;
    }
    if (cert->san.dns.n == 0 && match_common_names(cert->subject, host))
        return CS_HOST_BY_COMMON_NAME;
    return CS_HOST_NO;
}
