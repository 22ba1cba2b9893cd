/* Findings and mistakes, printed. */
#ifndef CS_CMD_REPORT_H
#define CS_CMD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/findings.h"
#include "cmd/command.h"
#include "explain/finding.h"

/** cs_report_colour() - whether to write colours to @stream: it is a terminal that knows them,
 *  and NO_COLOR is not set. */
bool cs_report_colour(FILE *stream);

/** cs_report_findings() - print every finding of at least @least severity on @stream. */
void cs_report_findings(const struct cs_findings *findings, enum cs_severity least,
                        enum cs_explain_style style, FILE *stream);
/** cs_report_summary() - print how many findings of each severity there are about @file. */
void cs_report_summary(const struct cs_findings *findings, struct cs_str file, FILE *stream);
/** cs_report_json() - print everything about @file as one JSON object. */
void cs_report_json(const struct cs_findings *findings, struct cs_str file, FILE *stream);

/** cs_report_unknown_command() - print that there is no command @name, and the nearest one.
 *  Return: CS_EXIT_USAGE. */
int cs_report_unknown_command(const char *name);
/** cs_report_usage() - print what is wrong with a command line and where help is.
 *  Return: CS_EXIT_USAGE. */
int cs_report_usage(const char *command, const char *what);

/** cs_report_failure() - say on standard error that the command of @line did not work: one clause,
 *  and a @hint or NULL. With --json the same as an object on standard output. Return: @status. */
int cs_report_failure(const struct cs_line *line, int status, const char *hint, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));

#endif
