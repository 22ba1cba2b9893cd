/* bench-floor FOLDER: what a handshake costs when there is no server around it, on this machine
 * and with the library of this build; FOLDER is bench-pki's.
 *
 * Two floors. "library": the server's half of handshake, one request and one answer of 1 KiB
 * through memory, with a client certificate that nobody looks at: what remains for a server on
 * this library whose sockets, HTTP, upstream and verification cost nothing. "arithmetic": only
 * the key exchange, the server's signature and the check of the client's: what remains when
 * the library costs nothing either. For answers, the encryption of full records. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 600
#define WARM_UP 60
#define PIPE (32 << 10)
#define REQUEST 60
#define ANSWER 1200 /* 1 KiB and its head */
#define RECORD 16384

static const char *folder;
static SSL_SESSION *ticket; /* the client's, newest */

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench-floor: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}

static FILE *open_file(const char *name, const char *ending)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s.%s", folder, name, ending);
    f = fopen(path, "re");
    if (!f)
        die(path);
    return f;
}

static EVP_PKEY *read_key(const char *name)
{
    FILE *f = open_file(name, "key");
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

    fclose(f);
    if (!key)
        die(name);
    return key;
}

/* Contexts: as lean as each library can be asked to be. */

#ifdef CS_TLS_AWSLC
static enum ssl_verify_result_t accept_any(SSL *ssl, uint8_t *ret_alert)
{
    return ssl_verify_ok;
}

static SSL_CTX *new_ctx(const char *name)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_with_buffers_method());
    FILE *f = open_file(name, "crt");
    EVP_PKEY *key = read_key(name);
    char *label, *header;
    unsigned char *der;
    CRYPTO_BUFFER *leaf;
    long len;

    if (!ctx || !PEM_read(f, &label, &header, &der, &len))
        die(name);
    leaf = CRYPTO_BUFFER_new(der, (size_t)len, NULL);
    if (!leaf || !SSL_CTX_set_chain_and_key(ctx, &leaf, 1, key, NULL))
        die(name);
    SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    CRYPTO_BUFFER_free(leaf);
    EVP_PKEY_free(key);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    fclose(f);
    return ctx;
}
#else
static int accept_any(X509_STORE_CTX *store, void *arg)
{
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static SSL_CTX *new_ctx(const char *name)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    FILE *f = open_file(name, "crt");
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    EVP_PKEY *key = read_key(name);

    if (!ctx || !cert || !SSL_CTX_use_certificate(ctx, cert) || !SSL_CTX_use_PrivateKey(ctx, key))
        die(name);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    fclose(f);
    return ctx;
}
#endif

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

static SSL_CTX *prepare(const char *name, bool server)
{
    SSL_CTX *ctx = new_ctx(name);

    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set1_groups_list(ctx, "X25519") ||
        !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") ||
        !SSL_CTX_set_num_tickets(ctx, 1) ||
        !SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"floor", 5))
        die("settings");
    if (server) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        return ctx;
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
    return ctx;
}

/* The library's floor */

static void shake(SSL *ssl, bool *done)
{
    int r = *done ? 1 : SSL_do_handshake(ssl);

    if (r != 1 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ)
        die("handshake");
    *done = r == 1;
}

/* Return: what the server's half took. */
static double shake_hands(SSL *client, SSL *server)
{
    bool client_done = false, server_done = false;
    double spent = 0;

    for (int turn = 0; turn < 8 && !(client_done && server_done); turn++) {
        shake(client, &client_done);
        double begun = cpu_us();
        shake(server, &server_done);
        spent += cpu_us() - begun;
    }
    if (!client_done || !server_done)
        die("a handshake does not end");
    return spent;
}

static double talk(SSL *client, SSL *server)
{
    static char text[ANSWER];
    double begun, spent;

    if (SSL_write(client, text, REQUEST) != REQUEST)
        die("request");
    begun = cpu_us();
    if (SSL_read(server, text, sizeof(text)) != REQUEST ||
        SSL_write(server, text, ANSWER) != ANSWER)
        die("answer");
    spent = cpu_us() - begun;
    if (SSL_read(client, text, sizeof(text)) != ANSWER)
        die("answer");
    return spent;
}

/* One connection. Return: the server's CPU time. */
static double connection(SSL_CTX *client_ctx, SSL_CTX *server_ctx, bool resume)
{
    BIO *near, *far;
    SSL *client = SSL_new(client_ctx), *server;
    bool known = resume && ticket;
    double begun, spent;

    if (!client || !BIO_new_bio_pair(&near, PIPE, &far, PIPE))
        die("memory");
    SSL_set_bio(client, near, near);
    SSL_set_connect_state(client);
    if (known && !SSL_set_session(client, ticket))
        die("session");
    begun = cpu_us();
    server = SSL_new(server_ctx);
    if (!server)
        die("memory");
    SSL_set_bio(server, far, far);
    SSL_set_accept_state(server);
    spent = cpu_us() - begun;
    spent += shake_hands(client, server);
    if (known && !SSL_session_reused(server))
        die("a session was not resumed");
    spent += talk(client, server);
    begun = cpu_us();
    SSL_free(server);
    spent += cpu_us() - begun;
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN); /* or OpenSSL forgets the ticket */
    SSL_free(client);
    return spent;
}

static double library_us(bool resume)
{
    static double values[ROUNDS];
    SSL_CTX *client = prepare("client", false), *server = prepare("server", true);

    for (int i = -WARM_UP; i < ROUNDS; i++) {
        double spent = connection(client, server, resume);
        if (i >= 0)
            values[i] = spent;
    }
    SSL_SESSION_free(ticket);
    ticket = NULL;
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return median(values, ROUNDS);
}

/* The arithmetic's floor */

static EVP_PKEY *new_share(EVP_PKEY_CTX *make)
{
    EVP_PKEY *key = NULL;

    if (EVP_PKEY_keygen(make, &key) != 1)
        die("key share");
    return key;
}

static double key_exchange_us(void)
{
    static double values[ROUNDS];
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL);
    EVP_PKEY *peer;

    if (!make || EVP_PKEY_keygen_init(make) != 1)
        die("X25519");
    peer = new_share(make);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char secret[32];
        size_t len = sizeof(secret);
        double begun = cpu_us();
        EVP_PKEY *own = new_share(make);
        EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new(own, NULL);
        if (!derive || EVP_PKEY_derive_init(derive) != 1 ||
            EVP_PKEY_derive_set_peer(derive, peer) != 1 ||
            EVP_PKEY_derive(derive, secret, &len) != 1)
            die("X25519");
        EVP_PKEY_CTX_free(derive);
        EVP_PKEY_free(own);
        values[i] = cpu_us() - begun;
    }
    EVP_PKEY_free(peer);
    EVP_PKEY_CTX_free(make);
    return median(values, ROUNDS);
}

static size_t sign(EVP_PKEY *key, const unsigned char *text, size_t len, unsigned char *signature,
                   size_t max)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(md, signature, &max, text, len) != 1)
        die("signature");
    EVP_MD_CTX_free(md);
    return max;
}

static void check(EVP_PKEY *key, const unsigned char *text, size_t len,
                  const unsigned char *signature, size_t signature_len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md || EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestVerify(md, signature, signature_len, text, len) != 1)
        die("signature");
    EVP_MD_CTX_free(md);
}

static void signatures_us(double *ret_sign, double *ret_check)
{
    static double signing[ROUNDS], checking[ROUNDS];
    static const unsigned char text[130] = "what CertificateVerify covers is so long";
    EVP_PKEY *key = read_key("client");

    for (int i = 0; i < ROUNDS; i++) {
        unsigned char signature[128];
        double begun = cpu_us();
        size_t len = sign(key, text, sizeof(text), signature, sizeof(signature));
        double between = cpu_us();
        check(key, text, sizeof(text), signature, len);
        signing[i] = between - begun;
        checking[i] = cpu_us() - between;
    }
    EVP_PKEY_free(key);
    *ret_sign = median(signing, ROUNDS);
    *ret_check = median(checking, ROUNDS);
}

static double seal_us(void)
{
    static double values[ROUNDS];
    static unsigned char in[RECORD], out[RECORD];
    const unsigned char key[16] = {1};
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    if (!cipher || EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, NULL) != 1)
        die("AES");
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char nonce[12] = {(unsigned char)i, (unsigned char)(i >> 8)}, tag[16];
        double begun = cpu_us();
        int len;
        if (EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, nonce) != 1 ||
            EVP_EncryptUpdate(cipher, out, &len, in, RECORD) != 1 ||
            EVP_EncryptFinal_ex(cipher, out + len, &len) != 1 ||
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) != 1)
            die("AES");
        values[i] = cpu_us() - begun;
    }
    EVP_CIPHER_CTX_free(cipher);
    return median(values, ROUNDS);
}

int main(int argc, char **argv)
{
    double handshake, resumption, exchange, signing, checking, seal;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-floor FOLDER\n");
        return 2;
    }
    folder = argv[1];
    handshake = library_us(false);
    resumption = library_us(true);
    exchange = key_exchange_us();
    signatures_us(&signing, &checking);
    seal = seal_us();
    printf("{\"library\":\"%s\",\"handshake_us\":%.1f,\"resume_us\":%.1f,",
           OpenSSL_version(OPENSSL_VERSION), handshake, resumption);
    printf("\"key_exchange_us\":%.1f,\"sign_us\":%.1f,\"verify_us\":%.1f,", exchange, signing,
           checking);
    printf("\"arithmetic_us\":%.1f,\"seal_mb_per_s\":%.0f}\n", exchange + signing + checking,
           RECORD / seal);
    return 0;
}
