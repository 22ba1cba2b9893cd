/* A client of the TLS library's own, blocking: not our code on both ends. */
#include "visit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "clock.h"

struct visits {
    const struct papers *papers;
    SSL_CTX *ctx;
    EVP_PKEY *wrong[PAPERS]; /* looks like the paper's key, signs with another */
};

/* What callbacks leave. */
struct heard {
    int alert; /* -1: none */
    SSL_SESSION *session;
};

static void on_info(const SSL *ssl, int type, int value)
{
    struct heard *heard = SSL_get_app_data(ssl);

    if (type == SSL_CB_READ_ALERT && (value & 0xff) != 0)
        heard->alert = value & 0xff;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct heard *heard = SSL_get_app_data(ssl);

    SSL_SESSION_free(heard->session);
    heard->session = session;
    return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* of EC_KEY; nothing else can do it */
/* The public half of @shown with the private half of @used. */
static EVP_PKEY *mixed_key(EVP_PKEY *shown, EVP_PKEY *used)
{
    const EC_KEY *public = EVP_PKEY_get0_EC_KEY(shown), *private = EVP_PKEY_get0_EC_KEY(used);
    EC_KEY *mixed = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *key = EVP_PKEY_new();

    cs_assert(mixed && key && EC_KEY_set_public_key(mixed, EC_KEY_get0_public_key(public)) == 1);
    cs_assert(EC_KEY_set_private_key(mixed, EC_KEY_get0_private_key(private)) == 1);
    cs_assert(EVP_PKEY_set1_EC_KEY(key, mixed) == 1);
    EC_KEY_free(mixed);
    return key;
}
#pragma GCC diagnostic pop

struct visits *visits_new(const struct papers *papers)
{
    struct visits *visits = CS_NEW(struct visits);
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    cs_assert(ctx != NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    SSL_CTX_set_info_callback(ctx, on_info);
    visits->papers = papers;
    visits->ctx = ctx;
    for (int i = 0; i < PAPERS; i++)
        visits->wrong[i] = mixed_key(papers->items[i].key, papers->items[(i + 1) % PAPERS].key);
    return visits;
}

struct visits *visits_free(struct visits *visits)
{
    for (int i = 0; i < PAPERS; i++)
        EVP_PKEY_free(visits->wrong[i]);
    SSL_CTX_free(visits->ctx);
    free(visits);
    return NULL;
}

/* A copy of @der with one bit changed: @back bytes from the end, or in the name when 0. */
static X509 *altered(struct cs_str der, size_t back)
{
    char *copy = cs_alloc(der.len);
    size_t at = der.len - back;
    X509 *cert;

    memcpy(copy, der.ptr, der.len);
    if (!back) {
        const char *name = memmem(copy, der.len, "client-", 7);
        cs_assert(name != NULL);
        at = (size_t)(name - copy);
    }
    copy[at] ^= 1;
    cert = papers_library(cs_str_make(copy, der.len));
    cs_assert(cert != NULL);
    free(copy);
    return cert;
}

/* The chain behind the leaf, as @who changes it. Return: how many; each is to be freed. */
static int make_rest(const struct papers *papers, const struct visitor *who, X509 **rest)
{
    const struct paper *paper = &papers->items[who->paper];
    bool below = paper->issuer == BY_MIDDLE || paper->issuer == BY_SHAKY;
    int n = 0;

    if (who->change == LEAF_TWICE)
        rest[n++] = X509_dup(paper->cert);
    if (who->change == OTHER_ORDER)
        rest[n++] = X509_dup(papers->certs[BY_ONE]);
    if (below && who->change == MIDDLE_ALTERED) {
        unsigned char *der = NULL;
        int len = i2d_X509(papers->certs[paper->issuer], &der);
        rest[n++] = altered(cs_str_make(der, (size_t)len), 3);
        OPENSSL_free(der);
    } else if (below && who->change != WITHOUT_MIDDLE) {
        rest[n++] = X509_dup(papers->certs[paper->issuer]);
    }
    if (who->change == ANOTHER_BEHIND)
        rest[n++] = X509_dup(papers->certs[BY_TWO]);
    return n;
}

static void present(const struct visits *visits, const struct visitor *who, SSL *ssl)
{
    const struct paper *paper = &visits->papers->items[who->paper];
    EVP_PKEY *key = who->wrong_key ? visits->wrong[who->paper] : paper->key;
    X509 *rest[CHAIN_MAX], *leaf;
    int n = make_rest(visits->papers, who, rest);

    if (who->change == LEAF_ALTERED || who->change == LEAF_FORGED)
        leaf = altered(paper->der, who->change == LEAF_FORGED ? 3 : 0);
    else
        leaf = X509_dup(paper->cert);
    cs_assert(SSL_use_certificate(ssl, leaf) == 1 && SSL_use_PrivateKey(ssl, key) == 1);
    X509_free(leaf);
    for (int i = 0; i < n; i++) {
        cs_assert(SSL_add1_chain_cert(ssl, rest[i]) == 1);
        X509_free(rest[i]);
    }
}

static int connect_to(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cs_assert(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    cs_assert(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
    return fd;
}

/* The id of an incident is random. */
static void hide_incident(char *answer)
{
    char *id = strstr(answer, "<p>incident ");

    for (id = id ? id + strlen("<p>incident ") : NULL; id && *id && *id != '<'; id++)
        *id = '*';
}

/* Ask and hear all of the answer, behind what @text holds already. */
static void converse(SSL *ssl, const char *host, char *text, size_t size)
{
    char request[128];
    size_t len = strlen(text);
    int n = snprintf(request, sizeof(request),
                     "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);

    SSL_write(ssl, request, n); /* a refusal may be on its way: then reading tells */
    while (len < size - 1 && (n = SSL_read(ssl, text + len, (int)(size - 1 - len))) > 0)
        len += (size_t)n;
    text[len] = '\0';
}

void visit(const struct visits *visits, const struct visitor *who, int port,
           struct outcome *ret_outcome)
{
    struct heard heard = {.alert = -1};
    SSL *ssl = SSL_new(visits->ctx);
    char answer[sizeof(ret_outcome->text) - 64] = "";
    int fd = connect_to(port);
    bool shaken;

    cs_assert(ssl && SSL_set_fd(ssl, fd) == 1);
    SSL_set_app_data(ssl, &heard);
    SSL_set_tlsext_host_name(ssl, who->sni);
    cs_assert(SSL_set_min_proto_version(ssl, (uint16_t)who->version) == 1 &&
              SSL_set_max_proto_version(ssl, (uint16_t)who->version) == 1);
    if (who->paper >= 0)
        present(visits, who, ssl);
    if (who->offer)
        SSL_set_session(ssl, who->offer);
    shaken = SSL_connect(ssl) == 1;
    ret_outcome->resumed = shaken && SSL_session_reused(ssl);
    if (shaken)
        converse(ssl, who->sni, answer, sizeof(answer));
    hide_incident(answer);
    snprintf(ret_outcome->text, sizeof(ret_outcome->text), "%s, alert %d\n%s",
             shaken ? "handshake" : "no handshake", heard.alert, answer);
    ret_outcome->accepted = strstr(answer, "\r\n\r\nSUCCESS|") != NULL;
    ret_outcome->session = heard.session;
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or OpenSSL drops it */
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
}

SSL_SESSION *visit_copy(SSL_SESSION *session)
{
    unsigned char *der = NULL;
    int len = i2d_SSL_SESSION(session, &der);
    const unsigned char *p = der;
    SSL_SESSION *copy;

    cs_assert(len > 0);
    copy = d2i_SSL_SESSION(NULL, &p, len);
    OPENSSL_free(der);
    cs_assert(copy != NULL);
    SSL_SESSION_set_time(copy, clock_sec()); /* the client's opinion of its age is not asked */
    return copy;
}

void visit_alter_ticket(SSL_SESSION *session, size_t at)
{
    const unsigned char *ticket = NULL;
    size_t n = 0;

    SSL_SESSION_get0_ticket(session, &ticket, &n);
    cs_assert(n > 0);
    ((unsigned char *)ticket)[at % n] ^= 1;
}
