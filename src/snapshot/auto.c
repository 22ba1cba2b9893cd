/* `ssl_certificate auto`, and proxy_ssl_certificate: which names the certificate is for, whom to
 * ask for it, and where it will lie. Two servers that want the same share it. */
#include "snapshot/build.h"
#include "snapshot/errand.h"
#include "x509/digest.h"

/* The directory of an errand: the first name, for people, and a digest of all that it is about. */
static struct cs_str folder_of(struct cs_build *build, const struct cs_errand *errand)
{
    struct cs_str state =
                      cs_core_state(&build->snapshot->core, build->options->prefix, build->arena),
                  first = errand->names[0];
    uint8_t sum[CS_DIGEST_LEN];
    struct cs_digest digest;
    char *name;

    cs_digest_init(&digest);
    cs_digest_add(&digest, errand->url);
    cs_digest_add(&digest, errand->profile);
    for (size_t i = 0; i < errand->n_names; i++)
        cs_digest_add(&digest, errand->names[i]);
    cs_digest_final(&digest, sum);
    (void)cs_str_cut(&first, ':');
    while (first.len && first.ptr[0] == '/')
        first = cs_str_skip(first, 1);
    name = (char *)cs_arena_dup(build->arena, first).ptr;
    for (char *p = name; *p; p++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *p))
            *p = '_';
    }
    return cs_arena_printf(build->arena, "%.*s/" CS_ERRAND_FOLDER "/%.80s-%02x%02x%02x%02x",
                           CS_FMT(state), name, sum[0], sum[1], sum[2], sum[3]);
}

static void add_name(struct cs_build *build, struct cs_errand *errand, const char *kind,
                     struct cs_str name)
{
    errand->names = cs_build_grow(build, errand->names, errand->n_names, sizeof(*errand->names));
    errand->names[errand->n_names++] = cs_arena_printf(build->arena, "%s%.*s", kind, CS_FMT(name));
}

/* One server_name: an expression stands for names that nobody can list. */
static void add_server_name(struct cs_build *build, struct cs_errand *errand,
                            const struct cs_server_name *name, struct cs_str directive)
{
    struct cs_str text = cs_build_lower(build, name->text);

    if (text.len == 0 || cs_str_eq(text, CS_STR("_")))
        return;
    if (text.ptr[0] == '~' || cs_str_ends(text, CS_STR(".*"))) {
        CS_FIND(build->findings, &cs_finding_auto_pattern, &name->place, directive, name->text);
        return;
    }
    if (text.ptr[0] == '.') {
        text = cs_str_skip(text, 1);
        add_name(build, errand, "dns:*.", text);
    }
    add_name(build, errand, "dns:", text);
}

static void name_errand(struct cs_build *build, const struct cs_vserver *server,
                        const struct cs_auto_wish *wish, struct cs_errand *errand)
{
    const struct cs_word *identity = cs_build_word(server->block, "mtls_identity");

    errand->profile = identity ? CS_STR("spiffe") : wish->profile;
    if (identity)
        add_name(build, errand, "", identity->text);
    for (size_t i = 0; !identity && i < server->n_names; i++)
        add_server_name(build, errand, &server->names[i], wish->directive);
}

/* SHA-256 in hex, perhaps with colons between the bytes. */
static bool is_fingerprint(struct cs_str text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (cs_hex_digit(text.ptr[i]) < 0 && text.ptr[i] != ':')
            return false;
        digits += text.ptr[i] != ':';
    }
    return digits == 64;
}

/* mtls_authority URL fingerprint=… token_file=…
 * Return: false after a finding. */
static bool choose_authority(struct cs_build *build, const struct cs_block *block,
                             struct cs_str directive, struct cs_errand *errand)
{
    const struct cs_directive *d = cs_block_nearest(block, "mtls_authority");
    struct cs_str fingerprint = CS_STR("fingerprint="), token = CS_STR("token_file=");

    for (size_t i = 0; d && i < d->n_args; i++) {
        struct cs_str text = d->args[i].text;
        if (i == 0)
            errand->url = cs_arena_dup(build->arena, text);
        else if (cs_str_starts(text, fingerprint))
            errand->fingerprint = cs_arena_dup(build->arena, cs_str_skip(text, fingerprint.len));
        else if (cs_str_starts(text, token))
            errand->token_file = cs_build_path(build, cs_str_skip(text, token.len));
        else
            CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[i].place, text, d->name,
                    CS_STR("fingerprint, token_file"));
    }
    if (d && !is_fingerprint(errand->fingerprint))
        CS_FIND0(build->findings, &cs_finding_authority_unknown, &d->place);
    if (!d && !cs_block_find(build->snapshot->config->main, "authority"))
        CS_FIND(build->findings, &cs_finding_auto_nobody, &errand->place, directive);
    return d ? is_fingerprint(errand->fingerprint)
             : cs_block_find(build->snapshot->config->main, "authority") != NULL;
}

/* The errand with this folder, which is @wanted itself if nobody wants the same yet. */
static const struct cs_errand *share(struct cs_snapshot *snapshot, struct cs_errand *wanted)
{
    struct cs_errand **at = &snapshot->errands;

    while (*at && !cs_str_eq((*at)->folder, wanted->folder))
        at = &(*at)->next;
    if (!*at)
        *at = wanted;
    return *at;
}

/* Return: NULL after a finding. */
static const struct cs_errand *find_errand(struct cs_build *build, const struct cs_vserver *server,
                                           const struct cs_auto_wish *wish)
{
    const struct cs_place *place = &wish->word->place;
    struct cs_errand *errand = CS_ARENA_NEW(build->arena, struct cs_errand);

    errand->place = *place;
    errand->news = CS_ARENA_NEW(build->arena, struct cs_errand_news);
    if (!choose_authority(build, server->block, wish->directive, errand))
        return NULL;
    name_errand(build, server, wish, errand);
    if (errand->n_names == 0) {
        CS_FIND(build->findings, &cs_finding_auto_nameless, place, wish->directive);
        return NULL;
    }
    if (!build->snapshot->core.master_process) {
        CS_FIND(build->findings, &cs_finding_auto_unattended, place, wish->directive);
        return NULL;
    }
    errand->folder = folder_of(build, errand);
    if (errand->url.len == 0)
        errand->token_file = cs_arena_printf(build->arena, "%.*s.token", CS_FMT(errand->folder));
    return share(build->snapshot, errand);
}

static struct cs_word *word_at(struct cs_build *build, const struct cs_word *like,
                               struct cs_str folder, const char *name)
{
    struct cs_word *word = CS_ARENA_NEW(build->arena, struct cs_word);

    *word = *like;
    word->text = cs_arena_printf(build->arena, "%.*s/%s", CS_FMT(folder), name);
    return word;
}

void cs_build_auto(struct cs_build *build, const struct cs_vserver *server,
                   const struct cs_auto_wish *wish, struct cs_auto_pair *ret_pair)
{
    const struct cs_errand *errand = find_errand(build, server, wish);

    if (!errand)
        return;
    ret_pair->errand = errand;
    ret_pair->certificate = word_at(build, wish->word, errand->folder, "cert.pem");
    ret_pair->key = word_at(build, wish->word, errand->folder, "key.pem");
    if (!cs_build_is_there(build, ret_pair->certificate))
        CS_FIND(build->findings, &cs_finding_auto_awaited, &wish->word->place, wish->directive,
                errand->folder, wish->meanwhile);
}
