/* A wallet: the folder that holds a key with its certificate, always one set, whole.
 *
 * Sets are folders of their own (".v1", ".v2", …); the link ".current" leads to the one that
 * counts, and key.pem, cert.pem, ca.pem and state.json are links through it. A new set is written
 * beside the old one, synced, and the link is renamed: at every moment, whatever happens, the names
 * lead to one set or to the other. The set before the current one is kept for readers that are
 * just at it. All of it is for the owner alone (0700, 0600).
 *
 * The key of a request that has no answer yet lies in ".pending.pem", so that the request can be
 * repeated, by another process too, and gets the same certificate.
 *
 * One process at a time has the folder (".lock"). Calls wait for the disk.
 */
#ifndef CS_ENROL_WALLET_H
#define CS_ENROL_WALLET_H

#include "authority/make.h"
#include "base/arena.h"
#include "base/str.h"
#include "enrol/papers.h"
#include "enrol/state.h"

struct cs_wallet;

/* One set. Everything lives in the arena; the key is freed by cs_holding_free(). */
struct cs_holding {
    struct evp_pkey_st *key;
    struct cs_str key_pem; /* secret */
    struct cs_papers papers;
    struct cs_enrol_state state;
    bool reloaded; /* cs_wallet_note_reload() was called for it */
    struct cs_arena arena;
};

/** cs_wallet_open() - take the folder at @path, making it if it is missing, and tidy away what an
 *  interrupted predecessor left. Return: 0; -EBUSY (another process has it); -EEXIST (a file that
 *  is not ours has one of the names); or -errno. */
int cs_wallet_open(const char *path, struct cs_wallet **ret_wallet);
/** cs_wallet_close() - leave it to others. NULL is fine. Return: NULL. */
struct cs_wallet *cs_wallet_close(struct cs_wallet *wallet);
/** cs_wallet_path() - its name, as given to cs_wallet_open(). Lives as long. */
struct cs_str cs_wallet_path(const struct cs_wallet *wallet);

/** cs_wallet_load() - the current set, judged by cs_papers_take(); *ret_holding is to be freed with
 *  cs_holding_free(). Return: NULL (*ret_holding may be NULL: there is none), or why what is there
 *  cannot be used, in @arena. */
const char *cs_wallet_load(struct cs_wallet *wallet, struct cs_arena *arena,
                           struct cs_holding **ret_holding);
/** cs_holding_free() - forget it, wiping the key. NULL is fine. Return: NULL. */
struct cs_holding *cs_holding_free(struct cs_holding *holding);

/** cs_wallet_pending() - the key of the request that is not answered, or a new one of @kind, which
 * is safe on disk before this returns. The caller frees it. Return: 0, -EIO (no key could be made),
 *  or -errno. */
int cs_wallet_pending(struct cs_wallet *wallet, enum cs_make_key_kind kind,
                      struct evp_pkey_st **ret_key);
/** cs_wallet_keep() - the pending key and @papers become the current set, with @state. The pending
 *  key is pending no more. Return: 0, or -errno: the pending key stays, so that the same can be
 *  tried again, and so does the set before it unless only the last sync failed. */
int cs_wallet_keep(struct cs_wallet *wallet, const struct cs_papers *papers,
                   const struct cs_enrol_state *state);
/** cs_wallet_note_reload() - whoever uses the current set has been told: remembered with it.
 *  Return: 0, or -errno. */
int cs_wallet_note_reload(struct cs_wallet *wallet);

#endif
