/* Renewal: credentials made again, because files that they are made of have changed.
 *
 * What is made of files is material: a pair, the lists of a file, a trust set, ticket keys. A
 * renewal takes some material anew, by the same code and with the same findings as when the
 * configuration was loaded, and makes the credentials of all servers and upstreams that use it.
 * Until it is committed nothing has changed; then the keyring has all of it at once.
 *
 * The supervisor takes material from the files. What it has read it packs for its workers, which
 * take the same from there: they open nothing. Revocation lists go beside, as the block that holds
 * them, which one process has read and all map.
 */
#ifndef CS_SNAPSHOT_RENEWAL_H
#define CS_SNAPSHOT_RENEWAL_H

#include "base/buf.h"
#include "base/findings.h"
#include "snapshot/snapshot.h"

struct cs_renewal;

/* What is read anew. */
struct cs_renewal_step {
    size_t material;
    bool lists_only; /* a trust set: its CAs are as they were, but not its lists */
};

enum { CS_RENEWAL_SAME = 1 };

/** cs_renewal_new() - nothing taken yet. @reader: where files are read; NULL: where they are. One
 *  renewal of a snapshot at a time. */
struct cs_renewal *cs_renewal_new(struct cs_snapshot *snapshot,
                                  const struct cs_config_reader *reader, int64_t now_sec);
/** cs_renewal_free() - end it; what was not committed is forgotten, and keys are wiped. NULL is
 *  fine. Return: NULL. */
struct cs_renewal *cs_renewal_free(struct cs_renewal *renewal);
/** cs_renewal_take() - @step is part of it. Lists before the trust sets that use them.
 *  Return: 0; CS_RENEWAL_SAME: it holds what is in force already, and is not part of it; -EINVAL:
 *  refused, see @findings, and not part of it. */
int cs_renewal_take(struct cs_renewal *renewal, struct cs_renewal_step step,
                    struct cs_findings *findings);
/** cs_renewal_take_lists() - the lists in @block are part of it as @material, instead of what the
 *  file says. @block is a mapping, which is taken over. Return: 0, or -EBADMSG (it is none). */
int cs_renewal_take_lists(struct cs_renewal *renewal, size_t material, struct cs_str block);
/** cs_renewal_is_empty() - whether nothing has been taken. */
bool cs_renewal_is_empty(const struct cs_renewal *renewal);
/** cs_renewal_build() - make the credentials. Return: 0, with warnings perhaps; or -EINVAL with
 *  @findings. */
int cs_renewal_build(struct cs_renewal *renewal, struct cs_findings *findings);
/** cs_renewal_commit() - the keyring has what was built. Return: whether somebody is judged
 * otherwise now: trust has changed, and not only what is shown. */
bool cs_renewal_commit(struct cs_renewal *renewal);

/** cs_renewal_lists0() - the block of the lists that were taken as @material; empty: none were. */
struct cs_str cs_renewal_lists0(const struct cs_renewal *renewal, size_t material);
/** cs_renewal_pack() - all steps, and the files that were read for them, but not those of lists.
 * There are keys among them. */
void cs_renewal_pack(const struct cs_renewal *renewal, struct cs_buf *ret_bytes);

/* What was packed. Borrows from the bytes. */
struct cs_renewal_parcel {
    uint64_t generation; /* that the commit leads to */
    struct cs_renewal_step *steps;
    size_t n_steps;
    struct cs_map files; /* path → struct cs_str * */
};

/** cs_renewal_unpack() - take @bytes apart; memory from @arena. Return: 0, or -EBADMSG. */
int cs_renewal_unpack(struct cs_str bytes, struct cs_arena *arena,
                      struct cs_renewal_parcel *ret_parcel);
/** cs_renewal_parcel_deinit() - free the map. */
void cs_renewal_parcel_deinit(struct cs_renewal_parcel *parcel);
/** cs_renewal_parcel_reader() - a reader of the files of @parcel, which is borrowed. */
struct cs_config_reader cs_renewal_parcel_reader(const struct cs_renewal_parcel *parcel);

/* ---- what there is to renew ---- */

/** cs_keyring_is_made_of() - whether @material is made of cs_keyring::files[@file]. */
bool cs_keyring_is_made_of(const struct cs_keyring *keyring, size_t material, size_t file);
/** cs_keyring_lists() - the material of the lists that the trust set @material uses. Return: false:
 *  it is no trust set, or uses none. */
bool cs_keyring_lists(const struct cs_keyring *keyring, size_t material, size_t *ret_lists);
/** cs_keyring_is_lists() - whether @material is lists. */
bool cs_keyring_is_lists(const struct cs_keyring *keyring, size_t material);
/** cs_keyring_is_trust() - whether @material is CAs. */
bool cs_keyring_is_trust(const struct cs_keyring *keyring, size_t material);
/** cs_keyring_is_pair() - whether @material is a certificate and its key, which are two files. */
bool cs_keyring_is_pair(const struct cs_keyring *keyring, size_t material);
/** cs_keyring_describe() - append what @material is, as it is in force, to @text: "certificate
 * \"a.crt\" of server \"a.test\", valid until 2027-01-15T08:00:00Z". */
void cs_keyring_describe(const struct cs_keyring *keyring, size_t material, struct cs_buf *text);

#endif
