/* Lists: order, removal during a walk, removal twice. */
#include "base/list.h"

#include "tap.h"

struct item {
    int value;
    struct cs_list link;
};

static int digits(struct cs_list *head)
{
    int n = 0;

    CS_LIST_FOREACH (link, head)
        n = n * 10 + cs_container_of(link, struct item, link)->value;
    return n;
}

int main(void)
{
    struct cs_list head;
    struct item items[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};

    cs_list_init(&head);
    tap_ok(cs_list_empty(&head), "a new list is empty");
    for (int i = 1; i < 4; i++)
        cs_list_push_back(&head, &items[i].link);
    cs_list_push_front(&head, &items[0].link);
    tap_int(digits(&head), 1234, "order");
    cs_list_remove(&items[2].link);
    cs_list_remove(&items[2].link);
    tap_int(digits(&head), 124, "removed once, and harmlessly twice");
    CS_LIST_FOREACH_SAFE (link, &head) {
        if (cs_container_of(link, struct item, link)->value != 2)
            cs_list_remove(link);
    }
    tap_int(digits(&head), 2, "removal during a walk");
    return tap_done();
}
