/* What a shell offers behind `countersign`, as a script made from the tables of commands and
 * options. Each shell has its own file; what they have in common is said here.
 */
#ifndef CS_CMD_COMPLETION_H
#define CS_CMD_COMPLETION_H

#include "base/buf.h"
#include "cmd/command.h"

/* What can stand in the place of an argument. */
enum cs_complete {
    CS_COMPLETE_NOTHING, /* nobody can know */
    CS_COMPLETE_FILES,
    CS_COMPLETE_FOLDERS,
    CS_COMPLETE_ROLES,
};

#define CS_COMPLETE_ROLE_WORDS "client server ca"

/** cs_completion() - append the script for @shell ("bash", "zsh", "fish").
 *  Return: 0, -ENOENT when there is none for it, or -ENOBUFS. */
int cs_completion(struct cs_str shell, struct cs_buf *buf);

/** cs_completion_of() - what can stand for an option's @argument ("FILE"). */
enum cs_complete cs_completion_of(const char *argument);
/** cs_completion_files() - whether an operand of @command can be a file. */
bool cs_completion_files(const struct cs_command *command);
/** cs_completion_commands() - whether its operand is another command. */
bool cs_completion_commands(const struct cs_command *command);
/** cs_completion_names() - append the names of @group's commands, or with NULL of those of none,
 *  with blanks between them. Return: 0, or -ENOBUFS. */
int cs_completion_names(const struct cs_command *group, struct cs_buf *buf);
/** cs_completion_word() - @command's own name: the second word of those of a group. */
const char *cs_completion_word(const struct cs_command *command);

/** cs_completion_bash() - append the script for bash. Return: 0, or -ENOBUFS. */
int cs_completion_bash(struct cs_buf *buf);
/** cs_completion_zsh() - append the script for zsh. Return: 0, or -ENOBUFS. */
int cs_completion_zsh(struct cs_buf *buf);
/** cs_completion_fish() - append the script for fish. Return: 0, or -ENOBUFS. */
int cs_completion_fish(struct cs_buf *buf);

#endif
