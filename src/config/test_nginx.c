/* Our reading of words beside nginx's own: random texts go to `nginx -t` and to the lexer, and what
 * nginx says about the first statement must be what the tokens say. Skipped without nginx. */
#include "config/lex.h"

#include "base/mem.h"
#include "config/test_support.h"

#include "tap.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define N_TEXTS 250

static const char *const pieces[] = {
    "a", "zz", "x y", " ", "\n", "\t", "\r",  "\"",   "'",  "\\",   "$",
    "{", "}",  ";",   "#", "(",  ")",  "\\n", "\\\"", "${", "\\\\", "#x\n",
};

/* A small generator (xorshift): the same texts in every run. */
static uint32_t next_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void make_text(uint32_t *state, struct cs_buf *buf)
{
    unsigned n = 1 + next_number(state) % 14;

    cs_buf_reset(buf);
    while (n-- > 0)
        cs_buf_add_str(
            buf, cs_str_from(pieces[next_number(state) % (sizeof(pieces) / sizeof(pieces[0]))]));
    if (next_number(state) % 3)
        cs_buf_add_str(buf, CS_STR(";\n"));
}

/* Start nginx on the text in @text_fd; what it prints goes to @out_fd. */
static int run_nginx(int text_fd, int out_fd)
{
    static const char *const argv[] = {"nginx",           "-t", "-e", "/dev/null", "-c",
                                       "/proc/self/fd/9", NULL};
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_fd, 2);
    posix_spawn_file_actions_adddup2(&actions, text_fd, 9);
    r = posix_spawnp(&pid, "nginx", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r == 0)
        waitpid(pid, NULL, 0);
    return -r;
}

/* The first line of nginx's answer, between "[emerg] " and the place. */
static struct cs_str message_of(struct cs_str answer)
{
    ptrdiff_t start = cs_str_search(answer, CS_STR("[emerg] "));
    ptrdiff_t end;

    if (start < 0)
        return answer;
    answer = cs_str_skip(answer, (size_t)start + 8);
    end = cs_str_search(answer, CS_STR(" in /proc/self/fd/9:"));
    return end < 0 ? answer : cs_str_sub(answer, 0, (size_t)end);
}

static int ask_nginx(struct cs_str text, struct cs_arena *arena, struct cs_str *ret_message)
{
    char *answer = cs_arena_raw(arena, 8192);
    int text_fd = memfd_create("text", MFD_CLOEXEC), out_fd = memfd_create("out", MFD_CLOEXEC);
    ssize_t n;
    int r;

    cs_assert(write(text_fd, text.ptr, text.len) == (ssize_t)text.len);
    r = run_nginx(text_fd, out_fd);
    n = pread(out_fd, answer, 8192, 0);
    close(text_fd);
    close(out_fd);
    *ret_message = message_of(cs_str_make(answer, n > 0 ? (size_t)n : 0));
    return r;
}

/* What nginx would say about the first statement, from our tokens. */
static struct cs_str predict(struct cs_str text, struct cs_arena *arena)
{
    struct cs_findings findings;
    struct cs_token token;
    struct cs_lex lex;
    struct cs_str name = {0};

    cs_findings_init(&findings, arena);
    cs_lex_init(&lex, CS_STR("t"), text, arena, &findings);
    for (;;) {
        cs_lex_next(&lex, &token);
        if (findings.n > 0)
            return test_primaries(&findings, arena);
        if (token.kind == CS_TOKEN_END)
            return name.ptr ? CS_STR("unexpected end of file") : CS_STR("no \"events\" section");
        if (token.kind != CS_TOKEN_WORD && (!name.ptr || token.kind == CS_TOKEN_CLOSE))
            return cs_arena_printf(arena, "unexpected \"%.*s\"", CS_FMT(token.text));
        if (token.kind != CS_TOKEN_WORD)
            return cs_arena_printf(arena, "unknown directive \"%.*s\"", CS_FMT(name));
        if (!name.ptr)
            name = token.text;
    }
}

/* The end of the file is named in our own words, and nginx adds what it expected. */
static struct cs_str common_form(struct cs_str message)
{
    if (cs_str_starts(message, CS_STR("unexpected end of file")))
        return CS_STR("unexpected end of file");
    if (cs_str_starts(message, CS_STR("no \"events\" section")))
        return CS_STR("no \"events\" section");
    return message;
}

int main(void)
{
    uint32_t state = 2463534242;
    struct cs_str message;
    struct cs_buf text;

    cs_buf_init(&text, 1024);
    for (int i = 0; i < N_TEXTS; i++) {
        struct cs_arena arena = {0};
        make_text(&state, &text);
        if (ask_nginx(cs_buf_str(&text), &arena, &message) < 0) {
            printf("1..0 # SKIP nginx is not installed\n");
            return 0;
        }
        if (!tap_ok(
                cs_str_eq(common_form(message), common_form(predict(cs_buf_str(&text), &arena))),
                "text %d", i))
            printf("# nginx: %.*s\n", CS_FMT(message));
        cs_arena_deinit(&arena);
    }
    cs_buf_deinit(&text);
    return tap_done();
}
