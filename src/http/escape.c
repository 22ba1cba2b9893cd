/* Each escape is one question about a byte and one spelling of the answer; runs of bytes that
 * need nothing are copied whole. */
#include "http/escape.h"

#include "http/chars.h"

#include <errno.h>

static const char hex[] = "0123456789ABCDEF";

static bool is_unreserved(char c)
{
    return cs_char_is(c, CS_CHAR_HOST) || c == '~';
}

static bool must_escape(char c, enum cs_escape set)
{
    unsigned char u = (unsigned char)c;

    if (set == CS_ESCAPE_COMPONENT)
        return !is_unreserved(c);
    if (u <= ' ' || u >= 0x7f)
        return true;
    if (memchr("\"#%<>?\\^`{|}", c, 12))
        return true;
    return set == CS_ESCAPE_ARGS && (c == '&' || c == '+' || c == ';');
}

struct cs_str cs_escape_uri(struct cs_str s, enum cs_escape set, struct cs_arena *arena)
{
    size_t extra = 0, len = 0;
    char *out;

    for (size_t i = 0; i < s.len; i++)
        extra += must_escape(s.ptr[i], set) ? 2 : 0;
    if (!extra)
        return s;
    out = cs_arena_raw(arena, s.len + extra);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char u = (unsigned char)s.ptr[i];
        if (!must_escape(s.ptr[i], set)) {
            out[len++] = s.ptr[i];
            continue;
        }
        out[len++] = '%';
        out[len++] = hex[u >> 4];
        out[len++] = hex[u & 15];
    }
    return cs_str_make(out, len);
}

static struct cs_str entity(char c)
{
    switch (c) {
    case '&': return CS_STR("&amp;");
    case '<': return CS_STR("&lt;");
    case '>': return CS_STR("&gt;");
    case '"': return CS_STR("&quot;");
    default: return (struct cs_str){0};
    }
}

static bool is_markup(char c)
{
    return c == '&' || c == '<' || c == '>' || c == '"';
}

struct cs_str cs_escape_html(struct cs_str s, struct cs_arena *arena)
{
    size_t extra = 0, len = 0, run = 0;
    char *out;

    for (size_t i = 0; i < s.len; i++)
        extra += is_markup(s.ptr[i]) ? entity(s.ptr[i]).len : 0;
    if (!extra)
        return s;
    out = cs_arena_raw(arena, s.len + extra);
    for (size_t i = 0; i < s.len; i++) {
        struct cs_str e;
        if (!is_markup(s.ptr[i]))
            continue;
        e = entity(s.ptr[i]);
        memcpy(out + len, s.ptr + run, i - run);
        memcpy(out + len + i - run, e.ptr, e.len);
        len += i - run + e.len;
        run = i + 1;
    }
    memcpy(out + len, s.ptr + run, s.len - run);
    return cs_str_make(out, len + s.len - run);
}

/* How a byte is spelled: 0 for as it is, else the length of what went into @spelling. */
typedef size_t (*spell_fn)(char c, char spelling[8]);

/* Append @s, with the bytes that @spell answers for spelled its way. */
static int add_spelled(struct cs_buf *buf, struct cs_str s, spell_fn spell)
{
    size_t run = 0;
    char text[8];

    for (size_t i = 0; i < s.len; i++) {
        size_t len = spell(s.ptr[i], text);
        if (!len)
            continue;
        if (cs_buf_add(buf, s.ptr + run, i - run) < 0 || cs_buf_add(buf, text, len) < 0)
            return -ENOBUFS;
        run = i + 1;
    }
    return cs_buf_add(buf, s.len ? s.ptr + run : "", s.len - run);
}

static size_t spell_log(char c, char spelling[8])
{
    unsigned char u = (unsigned char)c;

    if (u >= ' ' && u < 0x7f && c != '"' && c != '\\')
        return 0;
    memcpy(spelling, (char[]){'\\', 'x', hex[u >> 4], hex[u & 15]}, 4);
    return 4;
}

int cs_escape_log(struct cs_buf *buf, struct cs_str s)
{
    return add_spelled(buf, s, spell_log);
}

static size_t spell_json(char c, char spelling[8])
{
    static const char plain[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
    unsigned char u = (unsigned char)c;
    const char *found = c ? strchr(plain, c) : NULL;

    if (found) {
        memcpy(spelling, (char[]){'\\', letter[found - plain]}, 2);
        return 2;
    }
    if (u >= ' ')
        return 0;
    memcpy(spelling, (char[]){'\\', 'u', '0', '0', hex[u >> 4], hex[u & 15]}, 6);
    return 6;
}

int cs_escape_log_json(struct cs_buf *buf, struct cs_str s)
{
    return add_spelled(buf, s, spell_json);
}
