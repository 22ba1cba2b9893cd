/* What a command that looks at something is given to work with: files that are read, and why
 * nothing could be tried with them, as findings, so that programs are told what people are.
 */
#ifndef CS_CMD_GIVEN_H
#define CS_CMD_GIVEN_H

#include "base/buf.h"
#include "base/findings.h"
#include "cmd/command.h"

struct cs_crl_lists;
struct cs_trust;

struct cs_given {
    const struct cs_line *line;
    struct cs_arena arena;
    struct cs_findings findings; /* why not; in the arena */
    struct cs_str target;        /* what is to be looked at; empty: nothing yet */
    struct cs_buf ca, crl;       /* files */
    struct cs_crl_lists *lists;
    struct cs_trust *trust; /* NULL until cs_given_trust() */
};

/** cs_given_init() - nothing was read yet; @line is borrowed. */
void cs_given_init(struct cs_given *given, const struct cs_line *line);
/** cs_given_deinit() - forget all of it. */
void cs_given_deinit(struct cs_given *given);

/** cs_given_option() - the value of an option, or NULL. */
const char *cs_given_option(const struct cs_given *given, enum cs_option which);
/** cs_given_refuse() - say that the command line of `doctor` is wrong. Return: CS_EXIT_USAGE. */
int cs_given_refuse(const char *what);
/** cs_given_at() - the time of --at in *ret_sec; 0 when it is not given. Return: exit status. */
int cs_given_at(const struct cs_given *given, int64_t *ret_sec);
/** cs_given_file() - append the file at @path to @buf. Return: exit status, with a finding. */
int cs_given_file(struct cs_given *given, const char *path, struct cs_buf *buf);
/** cs_given_trust() - read the CA certificates of @path, and the lists of --crl if there are,
 *  into given->trust. Return: exit status, with findings. */
int cs_given_trust(struct cs_given *given, const char *path);
/** cs_given_untried() - say why nothing could be tried: @findings, or the fault @r (-errno); on
 *  standard error, and with --json as an object too. Return: CS_EXIT_USAGE. */
int cs_given_untried(const struct cs_given *given, const struct cs_findings *findings, int r);
/** cs_given_useless() - the same about a file that could be read and has nothing that is wanted:
 *  @why, one clause, and a @hint or NULL. */
int cs_given_useless(const struct cs_given *given, struct cs_str why, const char *hint);

#endif
