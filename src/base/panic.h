/* Bugs. A condition that only a programming error can break is asserted, in every build;
 * the process aborts and its supervisor starts another. */
#ifndef CS_BASE_PANIC_H
#define CS_BASE_PANIC_H

/** cs_panic() - print where and what on stderr, and abort. */
_Noreturn void cs_panic(const char *file, int line, const char *what);

/** cs_assert() - abort when @cond is false. Never compiled out; no side effects in @cond. */
#define cs_assert(cond)                                                                            \
    ((cond) ? (void)0 : cs_panic(__FILE__, __LINE__, "assertion failed: " #cond))

#endif
