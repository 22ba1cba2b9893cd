/* Heap allocation that cannot fail, clean-up at scope end, and hand-over.
 *
 * For objects that outlive an arena. A failed small allocation aborts the process: what a
 * peer can grow is bounded elsewhere, so memory that runs out is not a condition to handle
 * but one to restart from.
 */
#ifndef CS_BASE_MEM_H
#define CS_BASE_MEM_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/panic.h"

/** cs_alloc() - @size zeroed bytes from the heap; free() them. */
static inline void *cs_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    cs_assert(p != NULL);
    return p;
}

/** CS_NEW() - one zeroed @type from the heap; free() it. */
#define CS_NEW(type) ((type *)cs_alloc(sizeof(type)))

/** cs_wipe() - overwrite a secret; never optimised away. */
static inline void cs_wipe(void *p, size_t len)
{
    if (p)
        explicit_bzero(p, len);
}

/** cs_cleanup() - call @fn on the address of the variable when it goes out of scope. */
#define cs_cleanup(fn) __attribute__((cleanup(fn)))

/** cs_take() - hand a pointer over: its value, the variable becoming NULL. */
#define cs_take(p)                                                                                 \
    __extension__({                                                                                \
        __typeof__(p) cs_taken_ = (p);                                                             \
        (p) = NULL;                                                                                \
        cs_taken_;                                                                                 \
    })

/** cs_free_p() - for cs_cleanup(): free what a pointer variable holds. */
static inline void cs_free_p(void *p)
{
    free(*(void **)p);
}

/** cs_close_p() - for cs_cleanup(): close the descriptor an int holds unless negative. */
static inline void cs_close_p(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
