/* One word after the other, one letter after the other; a letter that wants a value takes the
 * rest of the word, or the next word. */
#include "cmd/nginx_args.h"

#include <errno.h>

struct reader {
    int argc;
    char *const *argv;
    int word;
    const char *rest; /* of the word, behind the letter being read */
};

/* The value of the letter just read. Return: NULL when there is none. */
static const char *take_value(struct reader *r)
{
    const char *value = r->rest;

    if (!*value)
        value = r->word + 1 < r->argc ? r->argv[++r->word] : NULL;
    r->rest = "";
    return value;
}

static int want_value(struct reader *r, char letter, const char *what, const char **ret_value,
                      struct cs_buf *error)
{
    const char *value = take_value(r);

    if (!value) {
        cs_buf_addf(error, "option \"-%c\" requires %s", letter, what);
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

static int read_signal(struct reader *r, struct cs_nginx_args *args, struct cs_buf *error)
{
    static const char *const known[] = {"stop", "quit", "reopen", "reload"};

    if (want_value(r, 's', "parameter", &args->signal, error) < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(args->signal, known[i]) == 0)
            return 0;
    }
    cs_buf_addf(error, "invalid option: \"-s %s\"", args->signal);
    return -EINVAL;
}

static int read_letter(struct reader *r, char letter, struct cs_nginx_args *args,
                       struct cs_buf *error)
{
    switch (letter) {
    case '?':
    case 'h': args->help = args->version = true; return 0;
    case 'v': args->version = true; return 0;
    case 'V': args->version = args->configure = true; return 0;
    case 't': args->test = true; return 0;
    case 'T': args->test = args->dump = true; return 0;
    case 'q': args->quiet = true; return 0;
    case 'p': return want_value(r, letter, "directory name", &args->prefix, error);
    case 'e': return want_value(r, letter, "file name", &args->error_log, error);
    case 'c': return want_value(r, letter, "file name", &args->config, error);
    case 'g': return want_value(r, letter, "parameter", &args->globals, error);
    case 's': return read_signal(r, args, error);
    default: cs_buf_addf(error, "invalid option: \"%c\"", letter); return -EINVAL;
    }
}

int cs_nginx_args_parse(int argc, char *const *argv, struct cs_nginx_args *ret_args,
                        struct cs_buf *error)
{
    struct cs_nginx_args args = {0};
    struct reader r = {.argc = argc, .argv = argv};

    for (r.word = 1; r.word < argc; r.word++) {
        if (argv[r.word][0] != '-') {
            cs_buf_addf(error, "invalid option: \"%s\"", argv[r.word]);
            return -EINVAL;
        }
        r.rest = argv[r.word] + 1;
        while (*r.rest) {
            char letter = *r.rest++;
            if (read_letter(&r, letter, &args, error) < 0)
                return -EINVAL;
        }
    }
    *ret_args = args;
    return 0;
}
