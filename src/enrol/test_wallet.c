/* Sets that replace each other, what interrupted processes leave, and who else is there. */
#include "enrol/wallet.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enrol/test_paper.h"
#include "io/file.h"
#include "tap.h"

static struct cs_arena arena;
static struct test_paper root;
static char dir[] = "/tmp/test_wallet.XXXXXX";
static const struct cs_str names[] = {CS_STR_INIT("dns:leaf.test")};

static const char *in(const char *name)
{
    return cs_arena_printf(&arena, "%s/w/%s", dir, name).ptr;
}

static struct cs_wallet *wallet_open(void)
{
    struct cs_wallet *wallet = NULL;

    tap_int(cs_wallet_open(in(""), &wallet), 0, "opened");
    return wallet;
}

static struct cs_holding *load(struct cs_wallet *wallet)
{
    struct cs_holding *holding = NULL;
    const char *why = cs_wallet_load(wallet, &arena, &holding);

    tap_ok(!why, "loaded: %s", why ? why : "");
    return holding;
}

/* A certificate for the pending key, as an authority would make it. */
static struct cs_papers issue(struct cs_wallet *wallet)
{
    struct test_paper paper = {0};
    struct cs_make_issuer by = {&root.cert, root.key};
    struct cs_cert_spec spec = {.common_name = CS_STR("leaf.test"),
                                .dns = {&(struct cs_str){"leaf.test", 9}, 1},
                                .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
                                .eku = CS_EKU_CLIENT,
                                .not_before = time(NULL) - 60,
                                .not_after = time(NULL) + 600};
    struct cs_papers papers = {0};
    struct evp_pkey_st *key = NULL;
    const char *why;
    struct cs_buf der;

    cs_buf_init(&der, 1 << 16);
    cs_buf_init(&paper.cert_pem, 1 << 16);
    tap_int(cs_wallet_pending(wallet, CS_MAKE_P256, &key), 0, "a key");
    cs_assert(cs_make_cert(&spec, key, &by, &der) == 0);
    cs_assert(cs_pem_write(&paper.cert_pem, CS_STR("CERTIFICATE"), cs_buf_str(&der)) == 0);
    why = cs_papers_take(cs_buf_str(&paper.cert_pem), cs_buf_str(&root.cert_pem), key,
                         time(NULL) + 400, &arena, &papers);
    tap_ok(!why, "papers: %s", why ? why : "");
    cs_buf_deinit(&der);
    cs_buf_deinit(&paper.cert_pem);
    cs_key_free(key);
    return papers;
}

static int keep(struct cs_wallet *wallet, const struct cs_papers *papers)
{
    struct cs_enrol_state state = {.url = CS_STR("https://ca.test"),
                                   .names = names,
                                   .n_names = 1,
                                   .renew_at = papers->life.renew_at};

    return cs_wallet_keep(wallet, papers, &state);
}

static bool exists(const char *name)
{
    return access(in(name), F_OK) == 0;
}

static unsigned count_sets(void)
{
    DIR *files = opendir(in(""));
    struct dirent *file;
    unsigned n = 0;

    while ((file = readdir(files)))
        n += strncmp(file->d_name, ".v", 2) == 0;
    closedir(files);
    return n;
}

static void test_first(void)
{
    struct cs_wallet *wallet = wallet_open(), *second = NULL;
    struct cs_holding *holding;
    struct cs_papers papers;
    struct stat st;

    tap_ok(stat(in(""), &st) == 0 && (st.st_mode & 0777) == 0700, "for the owner alone");
    tap_ok(!load(wallet), "nothing in it");
    tap_int(cs_wallet_open(in(""), &second), -EBUSY, "one at a time");
    papers = issue(wallet);
    tap_ok(exists(".pending.pem") && !exists("key.pem"), "the key waits");
    tap_int(keep(wallet, &papers), 0, "kept");
    tap_ok(!exists(".pending.pem"), "and waits no more");
    tap_ok(stat(in("key.pem"), &st) == 0 && (st.st_mode & 0777) == 0600, "readable by its owner");
    holding = load(wallet);
    tap_str(holding->papers.serial, papers.serial, "the same certificate");
    tap_str(holding->state.url, CS_STR("https://ca.test"), "the state with it");
    tap_ok(!holding->reloaded, "nobody was told");
    tap_int(cs_wallet_note_reload(wallet), 0, "told");
    tap_int(cs_wallet_note_reload(wallet), 0, "twice");
    cs_holding_free(holding);
    holding = load(wallet);
    tap_ok(holding->reloaded, "which is remembered");
    cs_holding_free(holding);
    cs_wallet_close(wallet);
}

static void test_next_ones(void)
{
    struct cs_wallet *wallet = wallet_open();

    for (int i = 0; i < 4; i++) {
        struct cs_papers papers = issue(wallet);
        struct cs_holding *holding;
        tap_int(keep(wallet, &papers), 0, "replaced");
        holding = load(wallet);
        tap_str(holding->papers.serial, papers.serial, "by the new one");
        tap_ok(!holding->reloaded, "of which nobody was told");
        tap_int(count_sets(), 2, "the one before is still there");
        cs_holding_free(holding);
    }
    cs_wallet_close(wallet);
}

static void test_same_pending(void)
{
    struct cs_wallet *wallet = wallet_open();
    struct evp_pkey_st *a = NULL, *b = NULL, *c = NULL;

    tap_int(cs_wallet_pending(wallet, CS_MAKE_P256, &a), 0, "a key");
    cs_wallet_close(wallet);
    wallet = wallet_open();
    tap_int(cs_wallet_pending(wallet, CS_MAKE_P256, &b), 0, "asked for again by another process");
    tap_str(cs_key_public(a, &arena), cs_key_public(b, &arena), "is the same");
    tap_int(cs_wallet_pending(wallet, CS_MAKE_ED25519, &c), 0, "of another kind");
    tap_ok(!cs_str_eq(cs_key_public(a, &arena), cs_key_public(c, &arena)), "is another");
    cs_key_free(a);
    cs_key_free(b);
    cs_key_free(c);
    cs_wallet_close(wallet);
    unlink(in(".pending.pem"));
}

/* What a process leaves that was killed at one moment or another. */
static void test_leftovers(void)
{
    struct cs_wallet *wallet = wallet_open();
    struct cs_holding *before = load(wallet), *after;
    struct evp_pkey_st *key = NULL;

    cs_wallet_close(wallet);
    mkdir(in(".new"), 0700);
    cs_assert(cs_file_write(in(".new/key.pem"), CS_STR("half"), 0600) == 0);
    mkdir(in(".v900"), 0700);
    cs_assert(cs_file_write(in(".v900/cert.pem"), CS_STR("half"), 0600) == 0);
    cs_assert(symlink(".v900", in(".current.new")) == 0);
    cs_assert(cs_file_write(in(".pending.new"), CS_STR("half"), 0600) == 0);
    cs_assert(cs_file_write(in(".pending.pem"), before->key_pem, 0600) == 0);
    wallet = wallet_open();
    tap_ok(!exists(".new") && !exists(".v900") && !exists(".pending.new"), "tidied away");
    tap_ok(access(in(".current.new"), F_OK) < 0, "the link, too");
    after = load(wallet);
    tap_str(after->papers.serial, before->papers.serial, "what was current is current");
    tap_ok(!exists(".pending.pem"), "a key that has its certificate waits for none");
    cs_assert(cs_file_write(in(".pending.pem"), CS_STR("half a key"), 0600) == 0);
    tap_int(cs_wallet_pending(wallet, CS_MAKE_P256, &key), 0, "half a key is made anew");
    cs_key_free(key);
    cs_holding_free(before);
    cs_holding_free(after);
    cs_wallet_close(wallet);
}

static void test_broken(void)
{
    struct cs_wallet *wallet = wallet_open();
    struct cs_holding *holding = NULL;
    struct cs_papers papers;
    const char *why;

    cs_assert(unlink(in("state.json")) == 0);
    tap_ok(cs_wallet_load(wallet, &arena, &holding) == NULL, "a plain name is only for readers");
    cs_holding_free(holding);
    cs_assert(cs_file_write(in(".current/state.json"), CS_STR("{}"), 0600) == 0);
    why = cs_wallet_load(wallet, &arena, &holding);
    tap_ok(why && strstr(why, "state.json") && !holding, "%s", why ? why : "loaded");
    papers = issue(wallet);
    tap_int(keep(wallet, &papers), 0, "replaced");
    tap_ok(exists("state.json"), "with all names");
    cs_wallet_close(wallet);
}

static void test_others(void)
{
    struct cs_wallet *wallet = NULL;

    unlink(in("ca.pem"));
    cs_assert(cs_file_write(in("ca.pem"), CS_STR("mine"), 0600) == 0);
    tap_int(cs_wallet_open(in(""), &wallet), -EEXIST, "somebody's file");
    unlink(in("ca.pem"));
    cs_assert(symlink("/etc/passwd", in("ca.pem")) == 0);
    tap_int(cs_wallet_open(in(""), &wallet), -EEXIST, "somebody's link");
    unlink(in("ca.pem"));
    unlink(in(".current"));
    cs_assert(symlink("../..", in(".current")) == 0);
    tap_int(cs_wallet_open(in(""), &wallet), -EEXIST, "a link that leads elsewhere");
    tap_int(cs_wallet_open("/dev/null", &wallet), -ENOTDIR, "no folder");
}

int main(void)
{
    cs_assert(mkdtemp(dir));
    test_paper(&root, &arena, CS_STR("Root"), NULL, 3600);
    test_first();
    test_next_ones();
    test_same_pending();
    test_leftovers();
    test_broken();
    test_others();
    test_paper_free(&root);
    cs_assert(fork() == 0 ? execlp("rm", "rm", "-rf", dir, NULL) : wait(NULL) > 0);
    cs_arena_deinit(&arena);
    return tap_done();
}
