/* Records come off the stream, handshake messages off what the records hold. Behind
 * ChangeCipherSpec everything is encrypted in TLS 1.2; TLS 1.3 puts what is encrypted into records
 * of application data, and a ChangeCipherSpec there means nothing. */
#include "tls/clear.h"

#include "telemetry/handshake.h"
#include "tls/vector.h"

#define RECORD_HEADER 5
#define MESSAGE_HEADER 4
/* The longest encrypted record of any version: RFC 5246 section 6.2.3. */
#define RECORD_MAX ((16 << 10) + 2048)

void cs_clear_init(struct cs_clear *clear, struct cs_str bytes)
{
    *clear = (struct cs_clear){.bytes = bytes};
    cs_buf_init(&clear->messages, CS_CLEAR_MESSAGE_MAX + RECORD_MAX);
}

void cs_clear_deinit(struct cs_clear *clear)
{
    cs_buf_deinit(&clear->messages);
}

/* The record at the front. Return: 1; 0: not whole; -EBADMSG. */
static int next_record(struct cs_clear *clear, uint8_t *ret_type, struct cs_str *ret_body)
{
    struct cs_str rest = cs_str_skip(clear->bytes, clear->at), body;
    uint8_t type = rest.len ? (uint8_t)rest.ptr[0] : 0;

    if (!rest.len)
        return 0;
    if (type < CS_RECORD_CIPHER || type > CS_RECORD_DATA || (rest.len > 1 && rest.ptr[1] != 3))
        return -EBADMSG;
    if (rest.len < RECORD_HEADER)
        return 0;
    rest = cs_str_skip(rest, 3);
    if (((size_t)(uint8_t)rest.ptr[0] << 8 | (uint8_t)rest.ptr[1]) > RECORD_MAX)
        return -EBADMSG;
    if (cs_vector_take(&rest, 2, &body) < 0)
        return 0;
    clear->at += RECORD_HEADER + body.len;
    *ret_type = type;
    *ret_body = body;
    return 1;
}

/* The message at the front of what handshake records held. Return: 1; 0: not whole; -EMSGSIZE. */
static int next_message(struct cs_clear *clear, struct cs_clear_item *ret_item)
{
    struct cs_str rest = cs_str_skip(cs_buf_str(&clear->messages), clear->taken);
    size_t type, len;

    if (rest.len < MESSAGE_HEADER)
        return 0;
    (void)!cs_vector_number(&rest, 1, &type);
    (void)!cs_vector_number(&rest, 3, &len);
    if (len > CS_CLEAR_MESSAGE_MAX - MESSAGE_HEADER)
        return -EMSGSIZE;
    if (rest.len < len)
        return 0;
    clear->taken += MESSAGE_HEADER + len;
    *ret_item = (struct cs_clear_item){CS_CLEAR_MESSAGE, (uint8_t)type, cs_str_sub(rest, 0, len),
                                       clear->at};
    return 1;
}

static int keep_messages(struct cs_clear *clear, struct cs_str body)
{
    if (!body.len)
        return -EBADMSG;
    cs_buf_consume(&clear->messages, clear->taken);
    clear->taken = 0;
    return cs_buf_add_str(&clear->messages, body) < 0 ? -EMSGSIZE : 0;
}

static bool is_sealed(const struct cs_clear *clear, uint8_t type)
{
    return type == CS_RECORD_DATA || (clear->sealed && !clear->tls13);
}

int cs_clear_next(struct cs_clear *clear, struct cs_clear_item *ret_item)
{
    struct cs_str body;
    uint8_t type;
    int r;

    while ((r = next_message(clear, ret_item)) == 0) {
        bool unfinished = clear->taken < clear->messages.len;
        r = next_record(clear, &type, &body);
        if (r <= 0)
            return r;
        if (type == CS_RECORD_HANDSHAKE && !is_sealed(clear, type)) {
            r = keep_messages(clear, body);
            if (r < 0)
                return r;
            continue;
        }
        if (unfinished || (type == CS_RECORD_ALERT && !is_sealed(clear, type) && body.len != 2))
            return -EBADMSG;
        *ret_item = (struct cs_clear_item){is_sealed(clear, type)     ? CS_CLEAR_SEALED
                                           : type == CS_RECORD_CIPHER ? CS_CLEAR_CIPHER
                                                                      : CS_CLEAR_ALERT,
                                           type, body, clear->at};
        clear->sealed |= type == CS_RECORD_CIPHER;
        return 1;
    }
    return r;
}

size_t cs_clear_rest(const struct cs_clear *clear)
{
    return clear->bytes.len - clear->at + clear->messages.len - clear->taken;
}

/* ---- messages ---- */

/* The curve; *@rest is what follows the public key: the signature. Return: 0, or -EBADMSG. */
static int read_exchange(struct cs_str *rest, size_t *ret_group)
{
    enum { NAMED_CURVE = 3 };
    struct cs_str point;
    size_t type, group;

    if (cs_vector_number(rest, 1, &type) < 0 || type != NAMED_CURVE ||
        cs_vector_number(rest, 2, &group) < 0 || cs_vector_take(rest, 1, &point) < 0)
        return -EBADMSG;
    *ret_group = group;
    return 0;
}

uint16_t cs_clear_group(struct cs_str body)
{
    size_t group;

    return read_exchange(&body, &group) < 0 ? 0 : (uint16_t)group;
}

uint16_t cs_clear_sigalg(uint8_t type, struct cs_str body)
{
    size_t group, code;

    if (type == CS_MESSAGE_SERVER_KEY_EXCHANGE) {
        if (read_exchange(&body, &group) < 0)
            return 0;
    } else if (type != CS_MESSAGE_CERTIFICATE_VERIFY) {
        return 0;
    }
    return cs_vector_number(&body, 2, &code) < 0 ? 0 : (uint16_t)code;
}
