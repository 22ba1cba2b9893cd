/* Revocation lists may come in many files, of which each has its own author: one that is bad must
 * not keep the others from being known. So the files of lists are judged one by one when they are
 * renewed, and a bad one stands as it was when it was good last. When a configuration is loaded
 * nothing is good yet, and one bad file refuses it. */
#include "base/mem.h"
#include "snapshot/material.h"
#include "x509/crl.h"
#include "x509/trust.h"

/* A file among those of the material. */
struct file {
    const struct cs_word *word;
    bool fetched;
};

static bool is_list_name(struct cs_str name)
{
    static const char *const ends[] = {".pem", ".crl", ".der"};

    if (name.len > 3 && name.ptr[name.len - 3] == '.' && name.ptr[name.len - 2] == 'r' &&
        name.ptr[name.len - 1] >= '0' && name.ptr[name.len - 1] <= '9')
        return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (cs_str_ends(name, cs_str_from(ends[i])))
            return true;
    }
    return false;
}

/* ---- what was good ---- */

static struct cs_str good_bytes(const struct cs_material *m, struct cs_str path)
{
    for (const struct cs_good_file *good = m->good; good; good = good->next) {
        if (cs_str_eq(good->path, path))
            return good->bytes;
    }
    return (struct cs_str){0};
}

static struct cs_str copy(struct cs_str text)
{
    char *bytes = cs_alloc(text.len + 1);

    memcpy(bytes, text.ptr, text.len);
    return cs_str_make(bytes, text.len);
}

void cs_material_forget_lists(struct cs_material *m)
{
    while (m->good) {
        struct cs_good_file *good = m->good;
        m->good = good->next;
        free((char *)good->path.ptr);
        free((char *)good->bytes.ptr);
        free(good);
    }
}

/* From now on these are the good ones; what they hold may be what was good before. */
static void remember(struct cs_material *m, const struct cs_source *sources, size_t n)
{
    struct cs_good_file *before = cs_take(m->good);
    struct cs_material old = {.good = before};

    for (size_t i = 0; i < n; i++) {
        struct cs_good_file *good = CS_NEW(struct cs_good_file);
        *good = (struct cs_good_file){copy(sources[i].file), copy(sources[i].bytes), m->good};
        m->good = good;
    }
    cs_material_forget_lists(&old);
}

/* ---- judging ---- */

/* Whether the trust sets in force take these lists: they would refuse all of them otherwise. */
static bool are_signed(struct cs_build *build, const struct cs_material *m,
                       const struct cs_crl_lists *lists, struct cs_findings *findings)
{
    const struct cs_keyring *keyring = build->snapshot->keyring;

    for (size_t i = 0; i < keyring->n_materials; i++) {
        const struct cs_material *trust = keyring->materials[i];
        struct cs_crl_set *set;
        const struct cs_cert *cas;
        size_t n;
        if (trust->lists != m || !trust->object)
            continue;
        cas = cs_trust_certs(trust->object, &n);
        if (cs_crl_set_new(lists, cas, n, NULL, findings, &set) != 0)
            return false;
        cs_crl_set_free(set);
    }
    return true;
}

static bool is_good(struct cs_build *build, const struct cs_material *m,
                    const struct cs_source *source)
{
    struct cs_crl_lists *lists;
    struct cs_findings ignored;
    bool good;

    if (cs_crl_lists_new(source, 1, build->findings, &lists) != 0)
        return false;
    cs_findings_init(&ignored, build->arena);
    good = are_signed(build, m, lists, &ignored);
    if (!good) /* its warnings come again with the trust set */
        (void)are_signed(build, m, lists, build->findings);
    cs_crl_lists_free(lists);
    return good;
}

/* ---- the whole ---- */

/* Every file there is. Return: false: there is an empty folder. */
static bool find_files(struct cs_build *build, const struct cs_material *m, struct file **ret_files,
                       size_t *ret_n)
{
    struct file *files = NULL;
    size_t n = 0;
    bool ok = true;

    for (size_t i = 0; i < m->n_words; i++) {
        const struct cs_word *found = m->words[i];
        size_t n_found = m->is_folder[i] ? cs_build_folder(build, found, is_list_name, &found) : 1;
        ok = ok && n_found > 0;
        for (size_t k = 0; k < n_found; k++) {
            files = cs_build_grow(build, files, n, sizeof(*files));
            files[n++] = (struct file){&found[k], m->is_fetched[i]};
        }
    }
    *ret_files = files;
    *ret_n = n;
    return ok;
}

/* What the steward brought was judged by it: if it is bad when the configuration is loaded it is
 * brought again, and is no reason not to start. Return: whether it is there and can be used. */
static bool is_fetched_good(struct cs_build *build, const struct cs_material *m,
                            const struct file *file, struct cs_source *source)
{
    struct cs_findings ignored, *findings = build->findings;
    bool there = cs_build_is_there(build, file->word), good;

    if (build->renewing)
        return there && cs_build_read(build, file->word, &source->bytes) == 0 &&
               is_good(build, m, source);
    cs_findings_init(&ignored, build->arena);
    build->findings = &ignored;
    good =
        there && cs_build_read(build, file->word, &source->bytes) == 0 && is_good(build, m, source);
    build->findings = findings;
    if (!good)
        CS_FIND(findings, &cs_finding_list_awaited, &source->place, source->file);
    return good;
}

/* Nothing is in force yet by which it could be judged when a configuration is loaded. */
static bool is_file_good(struct cs_build *build, const struct cs_material *m,
                         const struct file *file, struct cs_source *source)
{
    return cs_build_read(build, file->word, &source->bytes) == 0 &&
           (!build->renewing || is_good(build, m, source));
}

/* Return: whether there is something to be read: as it is, or as it was. */
static bool take_file(struct cs_build *build, const struct cs_material *m, const struct file *file,
                      struct cs_source *ret_source)
{
    struct cs_source source = {.file = file->word->text, .place = file->word->place};
    bool good = file->fetched ? is_fetched_good(build, m, file, &source)
                              : is_file_good(build, m, file, &source);

    if (!good) {
        source.bytes = good_bytes(m, file->word->text);
        if (!source.bytes.len)
            return false;
    }
    *ret_source = source;
    return true;
}

static struct cs_crl_lists *make_of_one(struct cs_build *build, const struct cs_word *word)
{
    struct cs_source source = {.file = word->text, .place = word->place};
    struct cs_crl_lists *lists;

    if (cs_build_read(build, word, &source.bytes) < 0 ||
        cs_crl_lists_new(&source, 1, build->findings, &lists) != 0)
        return NULL;
    return lists;
}

struct cs_crl_lists *cs_material_make_lists(struct cs_build *build, struct cs_material *m)
{
    unsigned errors = build->findings->n_errors;
    struct cs_crl_lists *lists = NULL;
    struct cs_source *sources;
    struct file *files;
    size_t n_files, n = 0;

    if (m->n_words == 1 && !m->is_folder[0] && !m->is_fetched[0])
        return make_of_one(build, m->words[0]);
    if (!find_files(build, m, &files, &n_files))
        return NULL;
    sources = cs_arena_array(build->arena, n_files, sizeof(*sources));
    for (size_t i = 0; i < n_files; i++)
        n += take_file(build, m, &files[i], &sources[n]);
    if ((n == 0 && build->findings->n_errors > errors) ||
        (!build->renewing && build->findings->n_errors > errors) ||
        cs_crl_lists_new(sources, n, build->findings, &lists) != 0)
        return NULL;
    remember(m, sources, n);
    return lists;
}
