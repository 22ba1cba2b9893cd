/* What a server says before TLS, in every protocol: the first byte chooses which. Fed whole and
 * byte by byte, it comes to the same. */
#include "base/panic.h"
#include "doctor/starttls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cs_dialogue_state play(const struct cs_starttls *one, struct cs_str bytes, size_t step,
                                   unsigned *ret_move)
{
    struct cs_arena arena = {0};
    struct cs_dialogue d;
    enum cs_dialogue_state state;
    struct cs_str send;
    size_t from = 0, to = 0, n;

    cs_dialogue_init(&d, one, CS_STR("host.test"));
    for (;;) {
        state = cs_dialogue_step(&d, cs_str_sub(bytes, from, to - from), &arena, &n, &send);
        cs_assert(n <= to - from);
        from += n;
        if (state == CS_DIALOGUE_MORE && to < bytes.len)
            to = step < bytes.len - to ? to + step : bytes.len;
        else if (state != CS_DIALOGUE_SEND)
            break;
    }
    *ret_move = d.move;
    cs_arena_deinit(&arena);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cs_starttls *one = size ? cs_starttls_at(data[0] % 12) : NULL;
    unsigned whole_move, move;

    if (!one)
        return 0;
    struct cs_str bytes = cs_str_make(data + 1, size - 1);
    enum cs_dialogue_state whole = play(one, bytes, SIZE_MAX, &whole_move);
    if (size < CS_STARTTLS_MAX) {
        cs_assert(play(one, bytes, 1, &move) == whole);
        cs_assert(move == whole_move);
    }
    return 0;
}
