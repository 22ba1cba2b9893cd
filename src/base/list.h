/* An intrusive doubly linked list: the link lives in the element, so adding and
 * removing never allocate, and an element can leave without knowing its list. */
#ifndef CS_BASE_LIST_H
#define CS_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cs_list {
    struct cs_list *next;
    struct cs_list *prev;
};

/** cs_container_of() - the @type whose @member is at @ptr. */
#define cs_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/** cs_list_init() - an empty list head, or a link that is in no list. */
static inline void cs_list_init(struct cs_list *l)
{
    l->next = l->prev = l;
}

/** cs_list_empty() - whether a head has no elements, or a link is in no list. */
static inline bool cs_list_empty(const struct cs_list *l)
{
    return l->next == l;
}

/** cs_list_push_back() - put @link at the end of @head. @link is in no list. */
static inline void cs_list_push_back(struct cs_list *head, struct cs_list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/** cs_list_push_front() - put @link at the front of @head. @link is in no list. */
static inline void cs_list_push_front(struct cs_list *head, struct cs_list *link)
{
    cs_list_push_back(head->next, link);
}

/** cs_list_remove() - take @link out of its list; it is in no list afterwards. Harmless when
 *  it was in none already. */
static inline void cs_list_remove(struct cs_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    cs_list_init(link);
}

/** CS_LIST_FOREACH() - visit the links of @head in order; @link must not leave meanwhile. */
#define CS_LIST_FOREACH(link, head)                                                                \
    for (struct cs_list *link = (head)->next; link != (head); link = link->next)
/** CS_LIST_FOREACH_SAFE() - the same; @link may leave the list meanwhile. */
#define CS_LIST_FOREACH_SAFE(link, head)                                                           \
    for (struct cs_list *link = (head)->next, *link##_next = link->next; link != (head);           \
         link = link##_next, link##_next = link->next)

#endif
