/* Times and files as people name them. */
#include "cmd/options.h"

#include <errno.h>
#include <fcntl.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/time.h"

static int64_t unit_sec(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 7 * 86400;
    case 'y': return 365 * 86400;
    default: return 0;
    }
}

int cs_options_span(struct cs_str text, int64_t *ret_sec)
{
    int64_t unit = text.len ? unit_sec(text.ptr[text.len - 1]) : 0;
    uint64_t n;

    if (cs_str_to_u64(cs_str_sub(text, 0, text.len - (unit ? 1 : 0)), 1000000000, &n) < 0)
        return -EINVAL;
    *ret_sec = (int64_t)n * (unit ? unit : 1);
    return 0;
}

int cs_options_at(struct cs_str text, int64_t *now_sec)
{
    int64_t later;

    if (!text.len || text.ptr[0] != '+')
        return cs_time_parse(text, now_sec);
    if (cs_options_span(cs_str_skip(text, 1), &later) < 0)
        return -EINVAL;
    *now_sec += later;
    return 0;
}

int cs_options_target(struct cs_str text, struct cs_str *ret_host, uint16_t *port)
{
    ptrdiff_t colon = cs_str_rfind(text, ':'), bracket = cs_str_rfind(text, ']');
    struct cs_addr addr;
    uint64_t number = *port;

    if (colon > bracket && (bracket >= 0 || cs_str_find(text, ':') == colon)) {
        if (cs_str_to_u64(cs_str_skip(text, (size_t)colon + 1), 65535, &number) < 0)
            return -EINVAL;
        text = cs_str_sub(text, 0, (size_t)colon);
    }
    if (bracket >= 0 && cs_addr_parse_ip(text, 0, &addr) < 0)
        return -EINVAL;
    if (bracket >= 0)
        text = cs_str_sub(text, 1, text.len - 2);
    if (!text.len || cs_str_find(text, '/') >= 0)
        return -EINVAL;
    *ret_host = text;
    *port = (uint16_t)number;
    return 0;
}

static int read_all(int fd, struct cs_buf *buf)
{
    for (;;) {
        ssize_t n;
        if (cs_buf_reserve(buf, buf->len < 4096 ? 4096 : buf->len) < 0 &&
            cs_buf_reserve(buf, 1) < 0)
            return -EFBIG;
        n = read(fd, buf->ptr + buf->len, buf->cap - buf->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buf->len += (size_t)n;
    }
}

int cs_options_read(const char *path, struct cs_buf *buf)
{
    cs_cleanup(cs_close_p) int fd = -1;

    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, buf);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : read_all(fd, buf);
}
