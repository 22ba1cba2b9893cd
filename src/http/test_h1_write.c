/* What is written, and that nothing written can end a line early. */
#include "http/h1.h"

#include "h1_feed.h"

#include <errno.h>

static struct cs_buf buf;

static void check(int r, const char *want)
{
    tap_int(r, 0, "written");
    tap_str(cs_buf_str(&buf), cs_str_from(want), feed_shown(cs_str_from(want)));
    cs_buf_reset(&buf);
}

static void test_lines(void)
{
    check(cs_h1_write_request_line(&buf, CS_STR("GET"), CS_STR("/x?y"), 1),
          "GET /x?y HTTP/1.1\r\n");
    check(cs_h1_write_request_line(&buf, CS_STR("PUT"), CS_STR("/"), 0), "PUT / HTTP/1.0\r\n");
    check(cs_h1_write_status_line(&buf, 200, CS_STR("")), "HTTP/1.1 200 OK\r\n");
    check(cs_h1_write_status_line(&buf, 496, CS_STR("")), "HTTP/1.1 400 Bad Request\r\n");
    check(cs_h1_write_status_line(&buf, 299, CS_STR("")), "HTTP/1.1 299 \r\n");
    check(cs_h1_write_status_line(&buf, 200, CS_STR("a\r\nX: b")), "HTTP/1.1 200 a  X: b\r\n");
    check(cs_h1_write_header(&buf, CS_STR("X"), CS_STR("")), "X: \r\n");
    check(cs_h1_write_header(&buf, CS_STR("X"), CS_STR("a\tb")), "X: a\tb\r\n");
    check(cs_h1_write_header(&buf, CS_STR("X"), CS_STR("a\r\nY: b\n\tc\0d")),
          "X: a  Y: b \tc d\r\n");
    check(cs_h1_write_end(&buf), "\r\n");
    check(cs_h1_write_last_chunk(&buf, NULL), "0\r\n\r\n");
}

static void test_refused(void)
{
    tap_int(cs_h1_write_header(&buf, CS_STR("X\r\nY"), CS_STR("a")), -EINVAL, "a name with a line");
    tap_int(cs_h1_write_header(&buf, CS_STR(""), CS_STR("a")), -EINVAL, "an empty name");
    tap_int(cs_h1_write_header(&buf, CS_STR("X:"), CS_STR("a")), -EINVAL, "a colon in a name");
    tap_int(cs_h1_write_request_line(&buf, CS_STR("GET"), CS_STR("/a b"), 1), -EINVAL,
            "a space in a target");
    tap_int(cs_h1_write_request_line(&buf, CS_STR("GET"), CS_STR("/\r\nX: y"), 1), -EINVAL,
            "a line in a target");
    tap_int(cs_h1_write_request_line(&buf, CS_STR("G T"), CS_STR("/"), 1), -EINVAL,
            "a space in a method");
    tap_int((int64_t)buf.len, 0, "and nothing is written");
}

static void test_room(void)
{
    struct cs_buf small;

    cs_buf_init(&small, 7);
    tap_int(cs_h1_write_header(&small, CS_STR("X"), CS_STR("abc")), -ENOBUFS, "no room");
    tap_int((int64_t)small.len, 0, "nothing is written");
    tap_int(cs_h1_write_header(&small, CS_STR("X"), CS_STR("ab")), 0, "room");
    cs_buf_deinit(&small);
}

static void test_words(void)
{
    tap_str(cs_http_reason(404), CS_STR("Not Found"), "404");
    tap_str(cs_http_reason(499), CS_STR("Client Closed Request"), "499");
    tap_str(cs_http_reason(497), CS_STR("The plain HTTP request was sent to HTTPS port"), "497");
    tap_str(cs_http_reason(299), CS_STR(""), "299 has no words");
    for (unsigned status = 0; status < 1000; status++)
        if (cs_http_reason(status).len)
            tap_ok(status >= 100 && status < 600, "%u has words", status);
    tap_int(cs_http_wire_status(494), 400, "494 leaves as 400");
    tap_int(cs_http_wire_status(497), 400, "497 leaves as 400");
    tap_int(cs_http_wire_status(499), 499, "499 is itself");
    tap_int(cs_http_method(CS_STR("GET")), CS_METHOD_GET, "GET");
    tap_int(cs_http_method(CS_STR("get")), CS_METHOD_OTHER, "get is another");
    tap_str(cs_http_method_text(CS_METHOD_PROPFIND), CS_STR("PROPFIND"), "PROPFIND");
}

int main(void)
{
    cs_buf_init(&buf, 1000);
    test_lines();
    test_refused();
    test_room();
    test_words();
    cs_buf_deinit(&buf);
    return tap_done();
}
