/* Pieces do not run into each other, and the digest is SHA-256. */
#include "x509/digest.h"

#include "tap.h"

static void digest_of(struct cs_str a, struct cs_str b, uint8_t ret[CS_DIGEST_LEN])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, a);
    cs_digest_add(&digest, b);
    cs_digest_final(&digest, ret);
}

int main(void)
{
    uint8_t one[CS_DIGEST_LEN], two[CS_DIGEST_LEN];
    struct cs_digest digest;
    char hex[2 * CS_DIGEST_LEN];

    digest_of(CS_STR("ab"), CS_STR("c"), one);
    digest_of(CS_STR("ab"), CS_STR("c"), two);
    tap_ok(memcmp(one, two, sizeof(one)) == 0, "the same pieces, the same digest");
    digest_of(CS_STR("a"), CS_STR("bc"), two);
    tap_ok(memcmp(one, two, sizeof(one)) != 0, "pieces are told apart by their lengths");
    digest_of(CS_STR("abc"), CS_STR(""), two);
    tap_ok(memcmp(one, two, sizeof(one)) != 0, "an empty piece counts");
    cs_digest_init(&digest);
    cs_digest_final(&digest, one);
    cs_hex_encode(one, sizeof(one), false, hex);
    tap_str(cs_str_make(hex, sizeof(hex)),
            CS_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            "of nothing");
    /* RFC 4231, test case 2 */
    cs_digest_keyed(CS_STR("Jefe"), CS_STR("what do ya want for nothing?"), one);
    cs_hex_encode(one, sizeof(one), false, hex);
    tap_str(cs_str_make(hex, sizeof(hex)),
            CS_STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            "under a key");
    return tap_done();
}
