/* Material: what credentials are made of, one piece for each set of files that makes one thing.
 * Shared by the servers and upstreams that name the same files, and the part that is made again
 * when a file has changed. Only for the files that build a snapshot or renew one.
 */
#ifndef CS_SNAPSHOT_MATERIAL_H
#define CS_SNAPSHOT_MATERIAL_H

#include "snapshot/build.h"

struct cs_crl_lists;
struct cs_pair;
struct cs_ticket_keys;
struct cs_trust;

enum cs_material_kind {
    CS_MATERIAL_PAIR,        /* files: certificate, key, and perhaps passwords → struct cs_pair */
    CS_MATERIAL_LISTS,       /* files and folders of revocation lists → struct cs_crl_lists */
    CS_MATERIAL_TRUST,       /* files of CAs, and lists → struct cs_trust */
    CS_MATERIAL_TICKET_KEYS, /* files of keys → struct cs_ticket_keys */
    CS_MATERIAL_BYTES,       /* a file as it is → struct cs_buf */
};

/* Whose credentials are made of it: one of the two. */
struct cs_material_user {
    const struct cs_vserver *server;
    const struct cs_proxy_tls *upstream;
    struct cs_material_user *next;
};

/* A file of revocation lists as it was when it was good last. */
struct cs_good_file {
    struct cs_str path, bytes; /* both from malloc() */
    struct cs_good_file *next;
};

struct cs_material {
    enum cs_material_kind kind;
    size_t index;                 /* in cs_keyring::materials */
    const struct cs_word **words; /* that name its files */
    size_t *files;                /* the same, as indexes of cs_keyring::files */
    size_t n_words;
    size_t n_named;            /* TRUST: of the first so many files the names are sent to clients */
    struct cs_material *lists; /* TRUST: the lists; NULL: none */
    const struct cs_word *crl; /* and where it names them */
    bool is_awaited;           /* that its files are not there yet is no fault */
    bool *is_folder;           /* LISTS: of words */
    bool *is_fetched;          /* the same: the steward brings it, and it may not be there yet */
    struct cs_good_file *good; /* LISTS of several files: in the process that reads them */
    struct cs_material_user *users;
    void *object; /* in force, as the kind says; NULL: refused at load, or awaited */
    void *fresh;  /* in a renewal: what takes its place */
};

/* What names a material. */
struct cs_material_spec {
    enum cs_material_kind kind;
    const struct cs_word *words[3]; /* NULL: not there */
    const struct cs_directive *crl; /* TRUST: names the lists, or NULL */
    const struct cs_block *block;   /* with crl: where its settings are looked for */
    size_t n_named;
    bool is_awaited; /* that its files are not there yet is no fault */
};

/** cs_material_of() - the material of the files of @spec, for whom is being built: made when it is
 *  asked for first. One that is refused stays refused, and is told once. */
const struct cs_material *cs_material_of(struct cs_build *build,
                                         const struct cs_material_spec *spec);
/** cs_material_newest0() - what @material holds: in a renewal, what takes the place of what is in
 *  force. Return: NULL: it was refused, or is awaited. */
void *cs_material_newest0(const struct cs_material *material);
/** cs_material_get0() - the newest of the material of @spec. */
void *cs_material_get0(struct cs_build *build, const struct cs_material_spec *spec);
/** cs_material_list0() - the same for the files that @directives name, in their order. */
void *cs_material_list0(struct cs_build *build, enum cs_material_kind kind,
                        const struct cs_directive_list *directives);
/** cs_material_make() - read the files of @material and make of them what the kind says; with
 *  @lists_only (TRUST) its CAs are those in force, and only the lists are newer.
 *  Return: the object, for cs_material_release(); NULL after a finding, or when it is awaited. */
void *cs_material_make(struct cs_build *build, struct cs_material *material, bool lists_only);
/** cs_material_eq() - whether two objects of @kind are alike in everything. */
bool cs_material_eq(enum cs_material_kind kind, const void *a, const void *b);
/** cs_material_release() - @object is no longer needed. NULL is fine. */
void cs_material_release(enum cs_material_kind kind, void *object);

/* lists.c */
/** cs_material_make_lists() - what the files and folders of @material (LISTS) hold. When they are
 *  renewed, a file that is bad, or signed by somebody else than the CAs in force say, is a finding
 *  and stands as it was when it was good last.
 *  Return: the lists, or NULL after a finding. */
struct cs_crl_lists *cs_material_make_lists(struct cs_build *build, struct cs_material *material);
/** cs_material_forget_lists() - free what is remembered of good files. */
void cs_material_forget_lists(struct cs_material *material);

#endif
