/* PEM and base64: what is read, what is refused, and what we write is read back. */
#include "x509/pem.h"

#include <errno.h>

#include "tap.h"

static struct cs_arena arena;

static const struct {
    const char *text, *bytes; /* bytes NULL: refused */
} base64[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zm8=", "fo"},
    {"Zm9v", "foo"},
    {"Zm9v\nYmFy", "foobar"},
    {" Z m9v\r\n", "foo"},
    {"Zg==\n", "f"},
    {"Zg=", NULL},
    {"Zg", NULL},
    {"Z", NULL},
    {"Zh==", NULL},
    {"Zm9=", NULL},
    {"Zg==Zg==", NULL},
    {"Zm9v=", NULL},
    {"=Zm9", NULL},
    {"Zm-v", NULL},
    {"Zm9v\x01", NULL},
    {"Zg=g", NULL},
    {"Zg===", NULL},
};

static void test_base64(void)
{
    for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++) {
        struct cs_str text = cs_str_from(base64[i].text);
        uint8_t bytes[64];
        size_t len = 0;
        int r = cs_base64_decode(text, bytes, &len);
        tap_ok(r == (base64[i].bytes ? 0 : -EBADMSG), "base64 row %zu: %d", i, r);
        if (r == 0)
            tap_str(cs_str_make(bytes, len), cs_str_from(base64[i].bytes), "decoded");
    }
}

static const struct {
    const char *text;
    int results[3];
    const char *labels[2];
} files[] = {
    {"", {0}, {NULL}},
    {"words only\n", {0}, {NULL}},
    {"-----BEGIN A-----\nZm9v\n-----END A-----\n", {1, 0}, {"A"}},
    {"-----BEGIN A-----\nZm9v\n-----END A-----", {1, 0}, {"A"}},
    {"x\r\n-----BEGIN A B-----\r\nZm9v\r\n-----END A B-----\r\ny\r\n", {1, 0}, {"A B"}},
    {"-----BEGIN A-----\n-----END A-----\n-----BEGIN B-----\nZm9v\n-----END B-----\n",
     {1, 1, 0},
     {"A", "B"}},
    {"-----BEGIN A-----\nZm9v\n", {-EBADMSG, 0}, {NULL}},
    {"-----BEGIN A-----\nZm9v\n-----END B-----\n", {-EBADMSG, 0}, {NULL}},
    {"-----BEGIN A-----\nZm9\n-----END A-----\n", {-EBADMSG, 0}, {NULL}},
    {"-----BEGIN A-----\nZm9\n-----BEGIN B-----\nZm9v\n-----END B-----\n",
     {-EBADMSG, 1, 0},
     {NULL, "B"}},
    {"-----BEGIN A-----\nZm9\n-----BEGIN A-----\nZm9v\n-----END A-----\n",
     {-EBADMSG, 1, 0},
     {NULL, "A"}}, /* cut off, and another one whole behind it */
    {" -----BEGIN A-----\nZm9v\n-----END A-----\n", {0}, {NULL}},
    {"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n", {1, 0}, {"A"}},
};

static void test_files(void)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct cs_str rest = cs_str_from(files[i].text);
        struct cs_pem_block block;
        for (size_t k = 0; k < 3; k++) {
            int r = cs_pem_next(&rest, &arena, &block);
            tap_ok(r == files[i].results[k], "file %zu, block %zu: %d", i, k, r);
            if (r == 1)
                tap_str(block.label, cs_str_from(files[i].labels[k]), "its label");
            if (r == 0)
                break;
        }
    }
}

static void test_write(void)
{
    static const size_t lengths[] = {0, 1, 2, 3, 47, 48, 49, 1000};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct cs_str der = {cs_arena_raw(&arena, lengths[i] + 1), lengths[i]}, rest;
        struct cs_pem_block block = {0};
        struct cs_buf buf;
        for (size_t k = 0; k < der.len; k++)
            ((char *)der.ptr)[k] = (char)(k * 7);
        cs_buf_init(&buf, 10000);
        tap_int(cs_pem_write(&buf, CS_STR("THING"), der), 0, "written");
        rest = cs_buf_str(&buf);
        tap_ok(cs_pem_next(&rest, &arena, &block) == 1 && cs_str_eq(block.der, der) &&
                   cs_str_eq(block.whole, cs_buf_str(&buf)),
               "%zu bytes there and back", lengths[i]);
        cs_buf_deinit(&buf);
    }
}

int main(void)
{
    test_base64();
    test_files();
    test_write();
    tap_ok(cs_pem_is_der(CS_STR("\x30\x00")), "an empty SEQUENCE is DER");
    tap_ok(!cs_pem_is_der(CS_STR("\x30\x00\n")), "with a newline behind it is not");
    tap_ok(!cs_pem_is_der(CS_STR("-----BEGIN A-----")), "text is not");
    cs_arena_deinit(&arena);
    return tap_done();
}
