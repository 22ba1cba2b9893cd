/* countersign: find the command, take its line apart, run it. Called through a link named
 * nginx, behave as nginx does. */
#include <stdio.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/panic.h"
#include "cmd/command.h"
#include "cmd/nginx.h"
#include "cmd/report.h"

static void seed_hashes(void)
{
    uint8_t key[16];

    cs_assert(getrandom(key, sizeof(key), 0) == sizeof(key));
    cs_hash_seed(key);
}

static int print_help(const struct cs_command *command, FILE *stream)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 64 << 10);
    if (command)
        cs_help_command(command, &buf);
    else
        cs_help_general(&buf);
    fwrite(buf.ptr, 1, buf.len, stream);
    cs_buf_deinit(&buf);
    return stream == stdout ? CS_EXIT_OK : CS_EXIT_USAGE;
}

static int run_command(const struct cs_command *command, int argc, char **argv)
{
    struct cs_line line;
    struct cs_buf error;
    int status;

    cs_buf_init(&error, 4096);
    if (cs_line_parse(command, argc, argv, &line, &error) < 0)
        status = cs_report_usage(command->name, cs_buf_cstr(&error));
    else if (cs_line_has(&line, CS_OPT_HELP))
        status = print_help(command, stdout);
    else
        status = command->run(&line);
    cs_buf_deinit(&error);
    return status;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv)
{
    const struct cs_command *command;
    int n_words;

    seed_hashes();
    if (argc > 0 && cs_nginx_is_called(argv[0]))
        return cs_nginx_main(argc, argv);
    if (argc < 2)
        return print_help(NULL, stderr);
    if (is_one_of(argv[1], "-h", "--help"))
        return print_help(NULL, stdout);
    if (is_one_of(argv[1], "-V", "--version"))
        return cs_cmd_version(NULL);
    command = cs_command_find_words(argc - 1, argv + 1, &n_words);
    if (!command)
        return cs_report_unknown_command(argv[1]);
    return run_command(command, argc - n_words, argv + n_words);
}
