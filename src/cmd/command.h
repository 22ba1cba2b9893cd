/* Subcommands as rows of a table, and their options as rows of another.
 *
 * What a command may be told, what `help` says about it, the manual page's synopsis and the
 * shell completion all come from these two tables, so they cannot disagree.
 */
#ifndef CS_CMD_COMMAND_H
#define CS_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Every option that some command takes. */
enum cs_option {
    CS_OPT_CONFIG,
    CS_OPT_PREFIX,
    CS_OPT_GLOBALS,
    CS_OPT_ERROR_LOG,
    CS_OPT_JSON,
    CS_OPT_ONCE,
    CS_OPT_AT,
    CS_OPT_FOR,
    CS_OPT_CERT,
    CS_OPT_KEY,
    CS_OPT_CA,
    CS_OPT_SNI,
    CS_OPT_HOST,
    CS_OPT_PORT,
    CS_OPT_ALPN,
    CS_OPT_STARTTLS,
    CS_OPT_PROXY_PROTOCOL,
    CS_OPT_TIMEOUT,
    CS_OPT_TIME_SOURCE,
    CS_OPT_COMPARE,
    CS_OPT_LISTEN,
    CS_OPT_CLIENT_CA,
    CS_OPT_CHAIN,
    CS_OPT_TRUST,
    CS_OPT_CRL,
    CS_OPT_PIN,
    CS_OPT_OCSP,
    CS_OPT_AS,
    CS_OPT_DEPTH,
    CS_OPT_NOW,
    CS_OPT_ISSUER,
    CS_OPT_REASON,
    CS_OPT_AUTHORITY,
    CS_OPT_FINGERPRINT,
    CS_OPT_TOKEN,
    CS_OPT_TOKEN_FILE,
    CS_OPT_IDENTITY,
    CS_OPT_PROFILE,
    CS_OPT_TTL,
    CS_OPT_KEY_TYPE,
    CS_OPT_OUT,
    CS_OPT_WATCH,
    CS_OPT_RENEW,
    CS_OPT_RELOAD_CMD,
    CS_OPT_DIR,
    CS_OPT_PASSPHRASE_FILE,
    CS_OPT_NAME,
    CS_OPT_DOMAIN,
    CS_OPT_ROOT_TTL,
    CS_OPT_ISSUER_TTL,
    CS_OPT_KEY_KIND,
    CS_OPT_URL,
    CS_OPT_GLOB,
    CS_OPT_EXPIRING,
    CS_OPT_REVOKED,
    CS_OPT_OF_ISSUER,
    CS_OPT_SHARD,
    CS_OPT_FORCE,
    CS_OPT_PLAIN,
    CS_OPT_USER,
    CS_OPT_DIRECTIVES,
    CS_OPT_COMPLETION,
    CS_OPT_HELP,
    CS_OPT_N,
};

/* A set of options, of any number: CS_OPTIONS(CS_WITH(CONFIG), CS_WITH(JSON)). At file level it is
 * static. */
#define CS_OPTIONS(...) ((const bool[CS_OPT_N]){__VA_ARGS__})
#define CS_WITH(name) [CS_OPT_##name] = true

struct cs_option_row {
    char letter; /* 0: none */
    const char *name;
    const char *argument; /* NULL: none */
    const char *doc;
    bool hidden;
};

/* The most that --pin may be given. */
#define CS_LINE_PINS 16

/* What was typed, taken apart. */
struct cs_line {
    const struct cs_command *command;
    const char *values[CS_OPT_N];   /* NULL: not given; "": given, has no argument; the last one */
    const char *pins[CS_LINE_PINS]; /* of --pin all, in their order */
    size_t n_pins;
    char *const *operands;
    int n_operands;
};

struct cs_command {
    const char *name;
    const char *operands; /* as in the synopsis, or NULL: none */
    int max_operands;
    const char *summary; /* one line without a full stop */
    const char *text;    /* paragraphs for `help NAME`; lines of at most 80 columns */
    const bool *options; /* CS_OPTIONS(); --help is always there */
    int (*run)(const struct cs_line *line); /* Return: exit status */
};

/* Exit statuses: done, it did not work, it was asked wrongly. */
enum { CS_EXIT_OK = 0, CS_EXIT_FAILED = 1, CS_EXIT_USAGE = 2 };

/** cs_commands() - all commands, in the order of `help`; *ret_n is their number. Static. */
const struct cs_command *cs_commands(size_t *ret_n);
/** cs_command_find() - the command called @name, or NULL. Those of a group have two words: "ca
 * init". */
const struct cs_command *cs_command_find(const char *name);
/** cs_command_find_words() - the command that the first one or two of @argv call, which is *@ret_n
 *  words; a group's own row when the second is none of its commands. NULL: there is none. */
const struct cs_command *cs_command_find_words(int argc, char *const *argv, int *ret_n);
/** cs_command_examples() - command lines for whoever uses it first, each on a line with two blanks
 * in front, "\\" at the end of one that goes on; or "". Static. */
const char *cs_command_examples(const struct cs_command *command);
/** cs_command_is_of() - whether @command is one of @group's; NULL: of no group. */
bool cs_command_is_of(const struct cs_command *command, const struct cs_command *group);
/** cs_command_is_group() - whether commands are of it: "ca". */
bool cs_command_is_group(const struct cs_command *command);
/** cs_command_nearest() - the command most like @name (one word, or a group's two), or NULL when
 * none is near. */
const struct cs_command *cs_command_nearest(const char *name);
/** cs_command_takes() - whether @option may be given to @command; --help always. */
bool cs_command_takes(const struct cs_command *command, enum cs_option option);
/** cs_command_shows() - whether it does, and help says so. */
bool cs_command_shows(const struct cs_command *command, enum cs_option option);
/** cs_option_rows() - the options, indexed by enum cs_option. Static. */
const struct cs_option_row *cs_option_rows(void);

/** cs_line_parse() - take apart what follows the command's name: @argv[0] is the name.
 *  Options and operands may be mixed; "--" ends the options. @argv is reordered and borrowed.
 *  Return: 0, or -EINVAL with one clause that says what is wrong appended to @error. */
int cs_line_parse(const struct cs_command *command, int argc, char **argv, struct cs_line *ret_line,
                  struct cs_buf *error);
/** cs_line_has() - whether @option was given. */
bool cs_line_has(const struct cs_line *line, enum cs_option option);

/* The commands, one file each. */
/** cs_cmd_run() - `countersign run`. */
int cs_cmd_run(const struct cs_line *line);
/** cs_cmd_check() - `countersign check`. */
int cs_cmd_check(const struct cs_line *line);
/** cs_cmd_reload() - `countersign reload`. */
int cs_cmd_reload(const struct cs_line *line);
/** cs_cmd_stop() - `countersign stop`. */
int cs_cmd_stop(const struct cs_line *line);
/** cs_cmd_quit() - `countersign quit`. */
int cs_cmd_quit(const struct cs_line *line);
/** cs_cmd_reopen() - `countersign reopen`. */
int cs_cmd_reopen(const struct cs_line *line);
/** cs_cmd_status() - `countersign status`. */
int cs_cmd_status(const struct cs_line *line);
/** cs_cmd_renew() - `countersign renew`. */
int cs_cmd_renew(const struct cs_line *line);
/** cs_cmd_revoke() - `countersign revoke`. */
int cs_cmd_revoke(const struct cs_line *line);
/** cs_cmd_demo() - `countersign demo`. */
int cs_cmd_demo(const struct cs_line *line);
/** cs_cmd_doctor() - `countersign doctor`. */
int cs_cmd_doctor(const struct cs_line *line);
/** cs_cmd_inspect() - `countersign inspect`. */
int cs_cmd_inspect(const struct cs_line *line);
/** cs_cmd_explain() - `countersign explain`. */
int cs_cmd_explain(const struct cs_line *line);
/** cs_cmd_enrol() - `countersign enrol`. */
int cs_cmd_enrol(const struct cs_line *line);
/** cs_cmd_ca() - `countersign ca` without one of its commands. */
int cs_cmd_ca(const struct cs_line *line);
/** cs_cmd_ca_init() - `countersign ca init`. */
int cs_cmd_ca_init(const struct cs_line *line);
/** cs_cmd_ca_issue() - `countersign ca issue`. */
int cs_cmd_ca_issue(const struct cs_line *line);
/** cs_cmd_ca_sign() - `countersign ca sign`. */
int cs_cmd_ca_sign(const struct cs_line *line);
/** cs_cmd_ca_renew() - `countersign ca renew`. */
int cs_cmd_ca_renew(const struct cs_line *line);
/** cs_cmd_ca_revoke() - `countersign ca revoke`. */
int cs_cmd_ca_revoke(const struct cs_line *line);
/** cs_cmd_ca_list() - `countersign ca list`. */
int cs_cmd_ca_list(const struct cs_line *line);
/** cs_cmd_ca_show() - `countersign ca show`. */
int cs_cmd_ca_show(const struct cs_line *line);
/** cs_cmd_ca_crl() - `countersign ca crl`. */
int cs_cmd_ca_crl(const struct cs_line *line);
/** cs_cmd_ca_token() - `countersign ca token`. */
int cs_cmd_ca_token(const struct cs_line *line);
/** cs_cmd_ca_profiles() - `countersign ca profiles`. */
int cs_cmd_ca_profiles(const struct cs_line *line);
/** cs_cmd_ca_rotate() - `countersign ca rotate`. */
int cs_cmd_ca_rotate(const struct cs_line *line);
/** cs_cmd_ca_backup() - `countersign ca backup`. */
int cs_cmd_ca_backup(const struct cs_line *line);
/** cs_cmd_ca_restore() - `countersign ca restore`. */
int cs_cmd_ca_restore(const struct cs_line *line);
/** cs_cmd_ca_serve() - `countersign ca serve`. */
int cs_cmd_ca_serve(const struct cs_line *line);
/** cs_cmd_ca_sweep() - `countersign ca sweep`. */
int cs_cmd_ca_sweep(const struct cs_line *line);
/** cs_cmd_ca_audit() - `countersign ca audit`. */
int cs_cmd_ca_audit(const struct cs_line *line);
/** cs_cmd_version() - `countersign version`. */
int cs_cmd_version(const struct cs_line *line);
/** cs_cmd_help() - `countersign help`. */
int cs_cmd_help(const struct cs_line *line);

/** cs_help_general() - what `countersign help` prints. Return: 0, or -ENOBUFS. */
int cs_help_general(struct cs_buf *buf);
/** cs_help_command() - what `countersign help NAME` prints. Return: 0, or -ENOBUFS. */
int cs_help_command(const struct cs_command *command, struct cs_buf *buf);

#endif
