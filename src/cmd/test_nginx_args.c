/* What nginx understands, and what it says when it does not. */
#include "cmd/nginx_args.h"

#include "tap.h"

#define WORDS 8

static const struct {
    const char *words[WORDS];
    struct cs_nginx_args want;
} accepted[] = {
    {{"nginx"}, {0}},
    {{"nginx", "-v"}, {.version = true}},
    {{"nginx", "-V"}, {.version = true, .configure = true}},
    {{"nginx", "-h"}, {.version = true, .help = true}},
    {{"nginx", "-?"}, {.version = true, .help = true}},
    {{"nginx", "-tq"}, {.test = true, .quiet = true}},
    {{"nginx", "-T"}, {.test = true, .dump = true}},
    {{"nginx", "-c", "a.conf", "-p", "/x/"}, {.config = "a.conf", .prefix = "/x/"}},
    {{"nginx", "-ca.conf", "-e", "stderr"}, {.config = "a.conf", .error_log = "stderr"}},
    {{"nginx", "-tc", "a.conf"}, {.test = true, .config = "a.conf"}},
    {{"nginx", "-g", "daemon off;"}, {.globals = "daemon off;"}},
    {{"nginx", "-s", "reload"}, {.signal = "reload"}},
    {{"nginx", "-squit"}, {.signal = "quit"}},
    {{"nginx", "-c", "-t"}, {.config = "-t"}},
    {{"nginx", "-"}, {0}},
};

static const struct {
    const char *words[WORDS];
    const char *error;
} refused[] = {
    {{"nginx", "-z"}, "invalid option: \"z\""},
    {{"nginx", "-tz"}, "invalid option: \"z\""},
    {{"nginx", "foo"}, "invalid option: \"foo\""},
    {{"nginx", ""}, "invalid option: \"\""},
    {{"nginx", "--help"}, "invalid option: \"-\""},
    {{"nginx", "-s", "foo"}, "invalid option: \"-s foo\""},
    {{"nginx", "-c"}, "option \"-c\" requires file name"},
    {{"nginx", "-e"}, "option \"-e\" requires file name"},
    {{"nginx", "-p"}, "option \"-p\" requires directory name"},
    {{"nginx", "-g"}, "option \"-g\" requires parameter"},
    {{"nginx", "-ts"}, "option \"-s\" requires parameter"},
};

static int parse(const char *const words[WORDS], struct cs_nginx_args *ret, struct cs_buf *error)
{
    char *argv[WORDS + 1] = {0};
    int argc = 0;

    for (; argc < WORDS && words[argc]; argc++)
        argv[argc] = (char *)words[argc];
    cs_buf_reset(error);
    return cs_nginx_args_parse(argc, argv, ret, error);
}

static bool same_text(const char *a, const char *b)
{
    return cs_str_eq(cs_str_from(a), cs_str_from(b));
}

static bool same(const struct cs_nginx_args *a, const struct cs_nginx_args *b)
{
    return a->help == b->help && a->version == b->version && a->configure == b->configure &&
           a->test == b->test && a->dump == b->dump && a->quiet == b->quiet &&
           same_text(a->prefix, b->prefix) && same_text(a->config, b->config) &&
           same_text(a->globals, b->globals) && same_text(a->error_log, b->error_log) &&
           same_text(a->signal, b->signal);
}

int main(void)
{
    struct cs_buf error;

    cs_buf_init(&error, 1024);
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct cs_nginx_args args;
        bool ok = parse(accepted[i].words, &args, &error) == 0 && same(&args, &accepted[i].want);
        tap_ok(ok, "accepted %zu is understood", i);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct cs_nginx_args args;
        tap_ok(parse(refused[i].words, &args, &error) < 0, "refused %zu", i);
        tap_str(cs_buf_str(&error), cs_str_from(refused[i].error), "with nginx's words");
    }
    cs_buf_deinit(&error);
    return tap_done();
}
