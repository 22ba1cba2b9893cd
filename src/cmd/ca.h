/* What the `ca` commands share: the CA that the options name, who runs the command, and how what
 * came of it is told. */
#ifndef CS_CMD_CA_H
#define CS_CMD_CA_H

#include "authority/ca.h"
#include "cmd/command.h"
#include "explain/sheet.h"

#define CS_CA_TEXT_MAX ((size_t)256 << 20)

struct cs_ca_job {
    const struct cs_line *line;
    const char *name; /* of the command: "ca issue" */
    const char *dir;
    bool json;
    bool told; /* why it failed, on standard output too */
    int64_t now_sec;
    struct cs_ca *ca; /* NULL: not opened */
    struct cs_arena arena;
    struct cs_findings findings;
    struct cs_requester who;
    struct cs_buf passphrase; /* of --passphrase-file */
    struct cs_buf text;       /* what goes to standard output */
    struct cs_sheet sheet;    /* on it */
};

/** cs_ca_job_begin() - what the options say, and an empty sheet. The folder is that of --dir, else
 * of the authority block of --config, else the built-in one. Return: exit status; whatever it is,
 *  cs_ca_job_end() follows. */
int cs_ca_job_begin(struct cs_ca_job *job, const struct cs_line *line);
/** cs_ca_job_options() - which CA is meant, and how it is to be opened; @flags as of struct
 *  cs_ca_options. Borrows from the job. Return: exit status. */
int cs_ca_job_options(struct cs_ca_job *job, unsigned flags, struct cs_ca_options *ret_options);
/** cs_ca_job_open() - open the CA; @flags as of struct cs_ca_options. Return: exit status. */
int cs_ca_job_open(struct cs_ca_job *job, unsigned flags);
/** cs_ca_job_status() - the exit status for @r, the outcome of a call in authority/ca.h; a fault is
 *  told at once. */
int cs_ca_job_status(struct cs_ca_job *job, int r);
/** cs_ca_job_end() - print the sheet if @status is CS_EXIT_OK, findings to standard error, with
 *  --json errors as a document on standard output; close everything and wipe what is secret.
 *  Return: @status. */
int cs_ca_job_end(struct cs_ca_job *job, int status);

/** cs_ca_job_fail() - as cs_report_failure(), in place of what the sheet and findings would say on
 *  standard output. Return: @status. */
int cs_ca_job_fail(struct cs_ca_job *job, int status, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** cs_ca_job_usage() - as cs_report_usage(), with @what formatted. */
int cs_ca_job_usage(const struct cs_ca_job *job, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** cs_ca_job_ttl() - the value of @option as seconds, or @def. Return: exit status. */
int cs_ca_job_ttl(const struct cs_ca_job *job, enum cs_option option, int64_t def,
                  int64_t *ret_sec);
/** cs_ca_job_key_kind() - the value of --key, or P-256. Return: exit status. */
int cs_ca_job_key_kind(const struct cs_ca_job *job, enum cs_make_key_kind *ret_kind);
/** cs_ca_job_name() - @bare as a name or a pattern of names that says its kind: "dns:…" and so on
 * and SPIFFE IDs do already, else it is an address or a network, what has an "@", or a host name.
 */
struct cs_str cs_ca_job_name(struct cs_ca_job *job, struct cs_str bare);
/** cs_ca_job_claims() - operands from @first on as names. Return: exit status. */
int cs_ca_job_claims(struct cs_ca_job *job, int first, struct cs_claims *ret_claims);
/** cs_ca_job_serial() - a serial number in hex, or the file of a certificate that has one.
 *  Return: exit status. */
int cs_ca_job_serial(struct cs_ca_job *job, const char *operand,
                     uint8_t ret_serial[CS_CA_SERIAL_LEN]);

/** cs_ca_job_needed() - a list of who needs the old root or issuing CA still (cs_ca_needed()), and
 *  what else the same names have. Opens the CA. Return: exit status. */
int cs_ca_job_needed(struct cs_ca_job *job, bool root);

/** cs_ca_time() - @sec as text in the job's arena; empty for 0. */
struct cs_str cs_ca_time(struct cs_ca_job *job, int64_t sec);
/** cs_ca_fingerprint() - SHA-256 of a certificate in hex, in the job's arena. */
struct cs_str cs_ca_fingerprint(struct cs_ca_job *job, const struct cs_cert *cert);

#endif
