/* Length-prefixed vectors, each check before its use. A malformed list of groups or versions
 * is the TLS library's to refuse; here it only shows as empty. A malformed name is refused,
 * since it would choose the server. */
#include "tls/hello.h"

#include "tls/vector.h"

#define RANDOM 32

/* Extensions by number. */
enum {
    EXT_SERVER_NAME = 0,
    EXT_SUPPORTED_GROUPS = 10,
    EXT_SIGNATURE_ALGORITHMS = 13,
    EXT_ALPN = 16,
    EXT_PRE_SHARED_KEY = 41,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_KEY_SHARE = 51,
};

static size_t u16_at(struct cs_str s, size_t at)
{
    return (size_t)(uint8_t)s.ptr[at] << 8 | (uint8_t)s.ptr[at + 1];
}

static bool name_char(char c)
{
    return c > 0x20 && c < 0x7f;
}

int cs_hello_sni(struct cs_str extension, char buf[CS_HELLO_NAME], struct cs_str *ret_name)
{
    if (!extension.ptr) {
        *ret_name = cs_str_make(buf, 0);
        return 0;
    }
    /* One list with one entry of type host_name: more were never defined. */
    if (extension.len < 5 || u16_at(extension, 0) != extension.len - 2 || extension.ptr[2] != 0 ||
        u16_at(extension, 3) != extension.len - 5)
        return -EBADMSG;
    struct cs_str name = cs_str_skip(extension, 5);
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len >= CS_HELLO_NAME)
        return -EBADMSG;
    for (size_t i = 0; i < name.len; i++) {
        if (!name_char(name.ptr[i]))
            return -EBADMSG;
        buf[i] = cs_lower(name.ptr[i]);
    }
    *ret_name = cs_str_make(buf, name.len);
    return 0;
}

size_t cs_hello_codes(struct cs_str bytes, uint16_t ret_codes[CS_HELLO_CODES])
{
    size_t n = 0;
    for (size_t at = 0; at + 2 <= bytes.len && n < CS_HELLO_CODES; at += 2)
        ret_codes[n++] = (uint16_t)u16_at(bytes, at);
    return n;
}

struct cs_str cs_hello_vector(struct cs_str extension)
{
    if (extension.len < 2 || u16_at(extension, 0) != extension.len - 2)
        return (struct cs_str){NULL, 0};
    return cs_str_skip(extension, 2);
}

struct cs_str cs_hello_versions(struct cs_str extension)
{
    if (extension.len < 1 || (uint8_t)extension.ptr[0] != extension.len - 1)
        return (struct cs_str){NULL, 0};
    return cs_str_skip(extension, 1);
}

/* ---- whole messages ---- */

static int next_extension(struct cs_str *rest, size_t *ret_type, struct cs_str *ret_body)
{
    return cs_vector_number(rest, 2, ret_type) < 0 ? -EBADMSG : cs_vector_take(rest, 2, ret_body);
}

/* What a message has behind its fixed part: extensions, or nothing at all. */
static int take_extensions(struct cs_str body, struct cs_str *ret_extensions)
{
    *ret_extensions = (struct cs_str){0};
    return body.len ? cs_vector_whole(body, ret_extensions) : 0;
}

static void note_offer(struct cs_hello *hello, size_t type, struct cs_str body)
{
    switch (type) {
    case EXT_SERVER_NAME: hello->sni = body; break;
    case EXT_SUPPORTED_GROUPS: hello->groups = body; break;
    case EXT_SIGNATURE_ALGORITHMS: hello->sigalgs = body; break;
    case EXT_ALPN: hello->alpn = body; break;
    case EXT_SUPPORTED_VERSIONS: hello->versions = body; break;
    default: break;
    }
}

int cs_hello_read(struct cs_str body, struct cs_hello *ret_hello)
{
    struct cs_hello hello = {0};
    struct cs_str session, compression, extensions, extension;
    size_t number;

    if (cs_vector_number(&body, 2, &number) < 0 || body.len < RANDOM)
        return -EBADMSG;
    hello.legacy_version = (uint16_t)number;
    body = cs_str_skip(body, RANDOM);
    if (cs_vector_take(&body, 1, &session) < 0 || cs_vector_take(&body, 2, &hello.ciphers) < 0 ||
        cs_vector_take(&body, 1, &compression) < 0 || take_extensions(body, &extensions) < 0)
        return -EBADMSG;
    while (extensions.len) {
        if (next_extension(&extensions, &number, &extension) < 0)
            return -EBADMSG;
        note_offer(&hello, number, extension);
    }
    *ret_hello = hello;
    return 0;
}

/* The name of the one protocol in a server's ALPN extension. */
static struct cs_str alpn_name(struct cs_str extension)
{
    struct cs_str list = cs_hello_vector(extension), name;

    return cs_vector_take(&list, 1, &name) < 0 ? (struct cs_str){0} : name;
}

static void note_answer(struct cs_server_hello *hello, size_t type, struct cs_str body)
{
    switch (type) {
    case EXT_ALPN: hello->alpn = alpn_name(body); break;
    case EXT_PRE_SHARED_KEY: hello->resumes = true; break;
    case EXT_SUPPORTED_VERSIONS:
        if (body.len == 2)
            hello->version = (uint16_t)u16_at(body, 0);
        break;
    case EXT_KEY_SHARE:
        if (body.len >= 2)
            hello->group = (uint16_t)u16_at(body, 0);
        break;
    default: break;
    }
}

/* SHA-256 of "HelloRetryRequest", where a random number stands otherwise. */
static bool is_retry(struct cs_str random)
{
    return cs_str_eq(random, CS_STR("\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8"
                                    "\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8"
                                    "\x33\x9c"));
}

int cs_server_hello_read(struct cs_str body, struct cs_server_hello *ret_hello)
{
    struct cs_server_hello hello = {0};
    struct cs_str session, extensions, extension;
    size_t version, cipher, compression, type;

    if (cs_vector_number(&body, 2, &version) < 0 || body.len < RANDOM)
        return -EBADMSG;
    hello.version = (uint16_t)version;
    hello.retry = is_retry(cs_str_sub(body, 0, RANDOM));
    body = cs_str_skip(body, RANDOM);
    if (cs_vector_take(&body, 1, &session) < 0 || cs_vector_number(&body, 2, &cipher) < 0 ||
        cs_vector_number(&body, 1, &compression) < 0 || take_extensions(body, &extensions) < 0)
        return -EBADMSG;
    hello.cipher = (uint16_t)cipher;
    while (extensions.len) {
        if (next_extension(&extensions, &type, &extension) < 0)
            return -EBADMSG;
        note_answer(&hello, type, extension);
    }
    *ret_hello = hello;
    return 0;
}
