/* The table of commands and its reader, which is getopt_long() fed from the tables. */
#include "cmd/command.h"

#include <errno.h>
#include <getopt.h>

static const struct cs_option_row options[] = {
    [CS_OPT_CONFIG] = {'c', "config", "FILE", "the configuration file", false},
    [CS_OPT_PREFIX] = {'p', "prefix", "DIR", "where relative paths start", false},
    [CS_OPT_GLOBALS] = {'g', "global", "DIRECTIVES", "main-level directives, read before the file",
                        false},
    [CS_OPT_ERROR_LOG] = {'e', "error-log", "FILE", "the error log, unless the file names one",
                          false},
    [CS_OPT_JSON] = {0, "json", NULL, "print JSON for programs", false},
    [CS_OPT_ONCE] = {0, "once", NULL, "end after the first round; exit 0 if all went well", false},
    [CS_OPT_AT] = {0, "at", "TIME", "judge as of then: 2027-01-31, +30d, @SECONDS", false},
    [CS_OPT_FOR] = {0, "for", "ROLE", "also ask what a client, server or ca has to have", false},
    [CS_OPT_CERT] = {0, "cert", "FILE", "present this certificate, its chain behind it", false},
    [CS_OPT_KEY] = {0, "key", "FILE", "its private key, unless it is in the same file", false},
    [CS_OPT_CA] = {0, "ca", "FILE", "trust these CAs, and not the system's", false},
    [CS_OPT_SNI] = {0, "sni", "NAME", "ask for this server; \"\" sends no name", false},
    [CS_OPT_HOST] = {0, "host", "NAME", "the Host to ask for; the name or address looked for",
                     false},
    [CS_OPT_PORT] = {0, "port", "NUMBER", "of a capture, only what has this port", false},
    [CS_OPT_ALPN] = {0, "alpn", "LIST", "offer these protocols: h2,http/1.1; \"\" for none", false},
    [CS_OPT_STARTTLS] = {0, "starttls", "PROTOCOL", "begin in smtp, imap, ldap, postgres, ...",
                         false},
    [CS_OPT_PROXY_PROTOCOL] = {0, "proxy-protocol", NULL, "begin with a PROXY header", false},
    [CS_OPT_TIMEOUT] = {0, "timeout", "SECONDS", "wait so long for each step (10)", false},
    [CS_OPT_CHAIN] = {0, "chain", "FILE", "judge these certificates, the leaf first", false},
    [CS_OPT_TRUST] = {0, "trust", "FILE", "by these CA certificates", false},
    [CS_OPT_CRL] = {0, "crl", "FILE", "and hold them against these revocation lists", false},
    [CS_OPT_PIN] = {0, "pin", "PIN", "a key of its chain has to be this one; repeatable", false},
    [CS_OPT_OCSP] = {0, "ocsp", NULL, "ask its OCSP responder whether it is revoked", false},
    [CS_OPT_AS] = {0, "as", "ROLE", "as those of a client (default) or server", false},
    [CS_OPT_DEPTH] = {0, "depth", "N", "with at most so many intermediates; default 1", false},
    [CS_OPT_TIME_SOURCE] = {0, "time-source", "HOST", "ask this time server about the clock",
                            false},
    [CS_OPT_COMPARE] = {0, "compare", NULL, "try again with one thing changed at a time", false},
    [CS_OPT_LISTEN] = {0, "listen", "ADDR:PORT", "be the server, there", false},
    [CS_OPT_CLIENT_CA] = {0, "client-ca", "FILE", "with --listen: the CAs of its clients", false},
    [CS_OPT_NOW] = {0, "now", NULL, "at the running gateway, at once", false},
    [CS_OPT_ISSUER] = {0, "issuer", "FILE", "the CA that issued the serial number", false},
    [CS_OPT_REASON] = {0, "reason", "REASON", "why: keyCompromise, superseded, ...", false},
    [CS_OPT_AUTHORITY] = {0, "ca", "URL", "ask this authority: https://HOST:PORT", false},
    [CS_OPT_FINGERPRINT] = {0, "fingerprint", "SHA256", "trust the root with this one, no other",
                            false},
    [CS_OPT_TOKEN] = {0, "token", "TOKEN", "the join token (others can see it in ps)", false},
    [CS_OPT_TOKEN_FILE] = {0, "token-file", "FILE", "read the join token from there when needed",
                           false},
    [CS_OPT_IDENTITY] = {0, "identity", "NAMES", "for spiffe://..., dns:..., commas between them",
                         false},
    [CS_OPT_PROFILE] = {0, "profile", "NAME", "by this profile of the CA", false},
    [CS_OPT_TTL] = {0, "ttl", "TIME", "good for so long: 12h, 30d", false},
    [CS_OPT_KEY_TYPE] = {0, "key-type", "KIND", "ec-p256 (default), ec-p384, ed25519, rsa-3072 ...",
                         false},
    [CS_OPT_OUT] = {0, "out", "DIR", "keep key.pem, cert.pem and ca.pem there", false},
    [CS_OPT_WATCH] = {0, "watch", NULL, "stay, and renew in time", false},
    [CS_OPT_RENEW] = {0, "renew", NULL, "renew now, although it is not due", false},
    [CS_OPT_RELOAD_CMD] = {0, "reload-cmd", "CMD", "run this (/bin/sh) when there is a new one",
                           false},
    [CS_OPT_DIR] = {0, "dir", "DIR", "the CA's folder (/var/lib/countersign/ca)", false},
    [CS_OPT_PASSPHRASE_FILE] = {0, "passphrase-file", "FILE", "its first line opens the CA's keys",
                                false},
    [CS_OPT_NAME] = {0, "name", "NAME", "what the CA is called", false},
    [CS_OPT_DOMAIN] = {0, "domain", "DOMAINS", "keep the CA to these, commas between them", false},
    [CS_OPT_ROOT_TTL] = {0, "root-ttl", "TIME", "how long the root lives (10y)", false},
    [CS_OPT_ISSUER_TTL] = {0, "issuer-ttl", "TIME", "how long an issuing CA lives (1y)", false},
    [CS_OPT_KEY_KIND] = {0, "key", "KIND", "ec-p256 (default), ec-p384, ed25519, rsa-3072", false},
    [CS_OPT_URL] = {0, "url", "URL", "where others reach the CA: certificates say so", false},
    [CS_OPT_GLOB] = {0, "identity", "GLOB", "those whose identity is like this: *.a.test", false},
    [CS_OPT_EXPIRING] = {0, "expiring", "TIME", "those that expire within: 7d", false},
    [CS_OPT_REVOKED] = {0, "revoked", NULL, "those that are revoked", false},
    [CS_OPT_OF_ISSUER] = {0, "issuer", "NUMBER", "of this CA certificate; else the active issuer",
                          false},
    [CS_OPT_PLAIN] = {0, "plain", "ADDR:PORT", "public documents there, without TLS", false},
    [CS_OPT_USER] = {0, "user", "ACCOUNT", "as root: the account to become", false},
    [CS_OPT_SHARD] = {0, "shard", "NUMBER", "only this part of the list", false},
    [CS_OPT_FORCE] = {0, "force", NULL, "to retire: whoever it locks out", false},
    [CS_OPT_DIRECTIVES] = {0, "directives", NULL, "print the manual of all directives (Markdown)",
                           true},
    [CS_OPT_COMPLETION] = {0, "completion", "SHELL",
                           "print the completion script (bash, zsh, fish)", true},
    [CS_OPT_HELP] = {'h', "help", NULL, "say what the command does", false},
};

/* Which CA. */
#define CA_LOOK CS_WITH(DIR), CS_WITH(CONFIG), CS_WITH(PREFIX), CS_WITH(JSON)
#define CA_OPEN CA_LOOK, CS_WITH(PASSPHRASE_FILE)
#define WHERE CS_WITH(CONFIG), CS_WITH(PREFIX), CS_WITH(GLOBALS)

static const struct cs_command commands[] = {
    {"run", NULL, 0, "run the gateway",
     "Reads the configuration, opens its listeners and serves until told to stop. Runs\n"
     "in the foreground and logs to standard error, unless the configuration says\n"
     "\"daemon on\" or names an error_log.\n"
     "\n"
     "Signals: TERM and INT stop at once, QUIT waits for requests that are under way,\n"
     "HUP reloads the configuration, USR1 reopens the log files.\n",
     CS_OPTIONS(WHERE, CS_WITH(ERROR_LOG)), cs_cmd_run},
    {"check", NULL, 0, "check a configuration without running it",
     "Reads the configuration and everything it names (certificates, keys, revocation\n"
     "lists) and prints all that is wrong or will hurt later. Exits 1 if there are\n"
     "errors.\n",
     CS_OPTIONS(WHERE, CS_WITH(JSON)), cs_cmd_check},
    {"reload", NULL, 0, "let a running gateway take up its changed configuration",
     "Checks the configuration first: if it has errors they are printed, nothing is\n"
     "reloaded, and the exit status is 1. Otherwise new workers start with it and the\n"
     "old ones finish what they are doing.\n",
     CS_OPTIONS(WHERE), cs_cmd_reload},
    {"stop", NULL, 0, "stop a running gateway at once",
     "Requests that are under way are cut off; see quit.\n", CS_OPTIONS(WHERE), cs_cmd_stop},
    {"quit", NULL, 0, "stop a running gateway when its requests are done",
     "Listeners are closed at once, connections when their requests are done, or after\n"
     "worker_shutdown_timeout.\n",
     CS_OPTIONS(WHERE), cs_cmd_quit},
    {"reopen", NULL, 0, "let a running gateway open its log files again",
     "After log files were moved away: what is written from then on goes to new files\n"
     "of the old names.\n",
     CS_OPTIONS(WHERE), cs_cmd_reopen},
    {"status", NULL, 0, "show what a running gateway does and by which papers",
     "Shows the workers and their connections; every certificate, CA and revocation\n"
     "list in use with the time left, its file and the servers it is for; what is\n"
     "revoked at a word; and how often what failed where.\n"
     "\n"
     "Exits 0 if all is well, 1 if something needs a person (a paper that has expired,\n"
     "a file that is another one now and not in use, a worker that does not answer), 2\n"
     "if the gateway could not be asked.\n",
     CS_OPTIONS(WHERE, CS_WITH(JSON)), cs_cmd_status},
    {"renew", "[NAME]", 1, "let a running gateway renew its own certificates now",
     "Of those that it gets from an authority (ssl_certificate auto), all or the one\n"
     "for NAME are asked for at once, although it is not time: after their issuer was\n"
     "changed, or when the authority can be reached again. The ones in use stay until\n"
     "the new ones have come; status shows how it goes.\n"
     "\n"
     "Exits 0 if they are being asked for, 1 if there are none such, 2 if the gateway\n"
     "could not be asked.\n",
     CS_OPTIONS(WHERE, CS_WITH(JSON)), cs_cmd_renew},
    {"revoke", "FILE|SERIAL", 1, "revoke a certificate at a running gateway",
     "With --now every worker of the gateway refuses the certificate from the next\n"
     "moment on, in new handshakes and resumed ones, and cuts the open connections\n"
     "that it opened (see mtls_cut), without waiting for a list of its CA. It stays\n"
     "revoked across reloads and restarts, until it has expired: mtls_state has it.\n"
     "\n"
     "FILE has the certificate, PEM or DER (\"-\" is standard input); that of a CA\n"
     "revokes all that it issued. A SERIAL number is in hex; a short one needs the CA\n"
     "with --issuer.\n"
     "\n"
     "Exits 0 if every worker acknowledged, 1 if it could not be done everywhere, 2 if\n"
     "the gateway could not be asked.\n",
     CS_OPTIONS(WHERE, CS_WITH(NOW), CS_WITH(ISSUER), CS_WITH(REASON), CS_WITH(JSON)),
     cs_cmd_revoke},
    {"demo", NULL, 0, "show a mutual handshake, and five that are refused",
     "Makes certificates in a temporary folder, starts a gateway and a backend, visits\n"
     "the gateway in seven ways and says what was presented, checked and refused. Then\n"
     "waits, so that you can try it by hand. Nothing is left behind.\n",
     CS_OPTIONS(CS_WITH(ONCE)), cs_cmd_demo},
    {"doctor", "[HOST:PORT|FILE]", 1, "visit a TLS server and explain what happens",
     "Connects to any TLS server, alone or with a certificate, and shows the handshake\n"
     "step by step: what was offered, presented, asked for, checked and refused. Then\n"
     "says what failed: the cause, the evidence, the remedy, and its code.\n"
     "\n"
     "A server certificate that is not accepted does not end the visit, so that the\n"
     "rest is seen too. One request is sent: GET /.\n"
     "\n"
     "With --pin a key of the server's chain has to be one of those given, besides:\n"
     "sha256//BASE64 as inspect prints it, or 64 hexadecimal digits. An OCSP response\n"
     "that the server staples is held against its certificate; with --ocsp, when none\n"
     "came, the responder is asked that the certificate names.\n"
     "\n"
     "With --listen it is the other way round: a server that explains each client that\n"
     "connects, and tells it so if it speaks HTTP.\n"
     "\n"
     "A FILE is a capture (pcap, pcapng; \"-\" is standard input): its connections are\n"
     "told and explained, as far as the clear text allows. Certificates in it are\n"
     "judged by --ca, at the time of the packets unless --at says another.\n"
     "\n"
     "Exits 0 if all is well, 1 if something failed and is explained, 2 if nothing\n"
     "could be tried.\n",
     CS_OPTIONS(CS_WITH(CERT), CS_WITH(KEY), CS_WITH(CA), CS_WITH(SNI), CS_WITH(HOST),
                CS_WITH(ALPN), CS_WITH(PORT), CS_WITH(STARTTLS), CS_WITH(PROXY_PROTOCOL),
                CS_WITH(TIMEOUT), CS_WITH(TIME_SOURCE), CS_WITH(COMPARE), CS_WITH(LISTEN),
                CS_WITH(CLIENT_CA), CS_WITH(ONCE), CS_WITH(CRL), CS_WITH(PIN), CS_WITH(OCSP),
                CS_WITH(AT), CS_WITH(JSON)),
     cs_cmd_doctor},
    {"inspect", "FILE|HOST:PORT...", 1024, "show what is in certificates, keys, requests and CRLs",
     "Reads PEM with any number and mix of blocks, or DER; \"-\" is standard input.\n"
     "Of HOST:PORT it reads the certificates that a TLS server there presents.\n"
     "Shows names, validity, usages, keys and pins, who issued whom and which key\n"
     "belongs to which certificate, and says what is wrong with them. Nothing secret\n"
     "is printed.\n"
     "\n"
     "Exits 0 if all is well, 1 if something is wrong (there is an error among the\n"
     "findings), 2 if a file could not be opened.\n",
     CS_OPTIONS(CS_WITH(JSON), CS_WITH(AT), CS_WITH(FOR)), cs_cmd_inspect},
    {"explain", "[FILE]", 1, "explain failures that were logged, or certificates",
     "Reads the records of mtls_failure_log, or of a report that holds such records,\n"
     "from FILE or standard input (\"-\"), and explains each: what happened, step by\n"
     "step, the cause, the evidence and the remedy. Lines may have something else in\n"
     "front of the record. Nothing is looked up anywhere.\n"
     "\n"
     "With --chain and --trust it judges files of certificates as the gateway does.\n"
     "\n"
     "Exits 0 if nothing is wrong, 1 if something is, 2 if it could not be tried.\n",
     CS_OPTIONS(CS_WITH(JSON), CS_WITH(AT), CS_WITH(CHAIN), CS_WITH(TRUST), CS_WITH(CRL),
                CS_WITH(AS), CS_WITH(HOST), CS_WITH(DEPTH)),
     cs_cmd_explain},
    {"enrol", NULL, 0, "get a certificate from an authority, and keep it fresh",
     "Makes a key here, proves with a join token that it may have a certificate, and\n"
     "keeps both in DIR: key.pem, cert.pem (its chain behind it), ca.pem (the roots),\n"
     "and state.json, for the owner alone, and always replaced as one set. Whom to\n"
     "trust is known by the fingerprint of the root, which the authority prints.\n"
     "\n"
     "Run again, it renews when it is time, with the certificate that is there and no\n"
     "token; --out alone will do then. With --watch it stays and sees to that itself,\n"
     "whatever happens to the authority, the clock or the machine; HUP renews at once,\n"
     "TERM ends it.\n"
     "\n"
     "CMD finds names of files in its environment: COUNTERSIGN_KEY, COUNTERSIGN_CERT,\n"
     "COUNTERSIGN_CA, COUNTERSIGN_DIR; and COUNTERSIGN_SERIAL and COUNTERSIGN_EVENT\n"
     "(issued, renewed). If it fails it is run again.\n"
     "\n"
     "Exits 0 if there is a good certificate, 1 if it was refused (the authority says\n"
     "why) or CMD failed, 2 if it could not be tried.\n",
     CS_OPTIONS(CS_WITH(AUTHORITY), CS_WITH(FINGERPRINT), CS_WITH(TOKEN), CS_WITH(TOKEN_FILE),
                CS_WITH(IDENTITY), CS_WITH(PROFILE), CS_WITH(TTL), CS_WITH(KEY_TYPE), CS_WITH(OUT),
                CS_WITH(WATCH), CS_WITH(RENEW), CS_WITH(RELOAD_CMD), CS_WITH(TIMEOUT),
                CS_WITH(ONCE), CS_WITH(JSON)),
     cs_cmd_enrol},
    {"ca", "COMMAND", 1024, "the private CA: make, issue, renew, revoke, list",
     "A CA is a folder: its keys, encrypted, and a store of all that it did. Who may\n"
     "write there is the CA's administrator; others ask for certificates with a join\n"
     "token (ca token, enrol).\n",
     CS_OPTIONS(), cs_cmd_ca},
    {"ca init", NULL, 0, "make a CA: a root, an issuing CA, a store",
     "Makes the folder in one step: interrupted, nothing is left that matters, and it\n"
     "can be run again. The pass phrase is drawn and kept in the folder, unless a file\n"
     "with one is named.\n"
     "\n"
     "With --domain the issuing CA has name constraints: it cannot issue for hosts\n"
     "outside, and the built-in profiles keep to these domains for all kinds of names.\n",
     CS_OPTIONS(CS_WITH(DIR), CS_WITH(NAME), CS_WITH(DOMAIN), CS_WITH(ROOT_TTL),
                CS_WITH(ISSUER_TTL), CS_WITH(KEY_KIND), CS_WITH(URL), CS_WITH(PASSPHRASE_FILE),
                CS_WITH(JSON)),
     cs_cmd_ca_init},
    {"ca issue", "NAME...", 1024, "make a key and have it certified",
     "Names are host names, addresses, spiffe://..., mail addresses, or say what they\n"
     "are: dns:, ip:, uri:, email:, cn:. Without --profile it is spiffe for a SPIFFE\n"
     "ID, server for hosts, client otherwise.\n"
     "\n"
     "Key, certificate (its chain behind it) and roots go to --out, readable for you\n"
     "alone. Interrupted, it can be run again: the key that is there is used, and the\n"
     "same order gets the same certificate.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(PROFILE), CS_WITH(TTL), CS_WITH(KEY_KIND), CS_WITH(OUT)),
     cs_cmd_ca_issue},
    {"ca sign", "FILE [NAME...]", 1024, "certify the key of a signing request",
     "Reads a request (PKCS#10, PEM or DER, \"-\" is standard input) and prints the\n"
     "certificate with its chain. Names are those of the request and those given here;\n"
     "what else it asks for is the profile's to decide. The same request gets the same\n"
     "certificate, until that is due for renewal.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(PROFILE), CS_WITH(TTL), CS_WITH(OUT)), cs_cmd_ca_sign},
    {"ca renew", "DIR", 1, "the next certificate for the key in a folder",
     "For a folder that \"ca issue\" or \"enrol\" has filled: same key, same names, same\n"
     "profile. cert.pem is replaced in one step.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(TTL)), cs_cmd_ca_renew},
    {"ca revoke", "[SERIAL|FILE]...", 1024, "certificates that are not to be trusted any more",
     "By serial number, by the file of the certificate, or all valid ones whose\n"
     "identity is like --identity. All of them or, when one cannot be, none. There is\n"
     "no way back.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(GLOB), CS_WITH(REASON)), cs_cmd_ca_revoke},
    {"ca list", NULL, 0, "what was issued",
     "A line for each certificate that has not been archived: serial number, state\n"
     "(valid, due for renewal, expired, revoked), end, profile and identity. Several\n"
     "options narrow it down together.\n",
     CS_OPTIONS(CA_LOOK, CS_WITH(EXPIRING), CS_WITH(GLOB), CS_WITH(PROFILE), CS_WITH(REVOKED)),
     cs_cmd_ca_list},
    {"ca show", "[SERIAL|FILE]", 1, "one certificate and its record, or the CA itself",
     "Of a certificate: who asked for it, when it is due for renewal, whether it was\n"
     "revoked, and what is in it. Without one: the CA's roots and issuing CAs, with\n"
     "the time that is left to them, their keys, and the head of the log.\n",
     CS_OPTIONS(CA_LOOK), cs_cmd_ca_show},
    {"ca crl", "[FILE]", 1, "the revocation list",
     "Prints it (PEM), or replaces FILE by it in one step. It is made anew when\n"
     "something was revoked that it does not say, or half of its life is over.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(OF_ISSUER), CS_WITH(SHARD)), cs_cmd_ca_crl},
    {"ca token", "NAME...", 1024, "a join token: who has it may enrol once",
     "Names may be patterns: *.web.example.internal, spiffe://example.internal/web/*.\n"
     "The token is for these names, one certificate, and an hour unless --ttl says\n"
     "otherwise. It is printed once; the CA keeps its digest.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(PROFILE), CS_WITH(TTL)), cs_cmd_ca_token},
    {"ca profiles", NULL, 0, "what may be issued: keys, names, usages, lifetimes",
     "Those of a configuration are among them with -c.\n", CS_OPTIONS(CA_LOOK), cs_cmd_ca_profiles},
    {"ca rotate", "issuer|root prepare|activate|needed|retire", 2,
     "from one CA certificate to the next",
     "prepare makes the new one, activate lets it sign, retire is the end of the old\n"
     "one: refused, with their names, while certificates that need it are valid, not\n"
     "revoked, and were not renewed. needed lists these, and whether the same name has\n"
     "another certificate since; --force retires all the same.\n"
     "\n"
     "A new root is trusted beside the old one from prepare on:\n"
     "root.pem has both, the authority gives both to whoever enrols or renews, and\n"
     "the old one certifies the new one for those who do not know it yet.\n"
     "\n"
     "The root's key has to be in the folder to prepare. Kind of key and length of\n"
     "life are those of the present one, unless options say otherwise.\n",
     CS_OPTIONS(CA_OPEN, CS_WITH(KEY_KIND), CS_WITH(TTL), CS_WITH(FORCE)), cs_cmd_ca_rotate},
    {"ca backup", "DIR", 1, "a copy of the CA as a new folder",
     "As of one moment, while the authority goes on. It has the store, certificates,\n"
     "encrypted keys and lists, and not the pass phrase: keep that in another place.\n",
     CS_OPTIONS(CA_OPEN), cs_cmd_ca_backup},
    {"ca restore", "DIR [FILE...]", 1024, "make the CA what a backup is, and what happened since",
     "Nothing that was revoked or used becomes good again: certificates, revocations,\n"
     "used tokens and newer CA certificates are taken over from the store that is in\n"
     "the folder, if it can be read, and revocations from the lists in there and in\n"
     "the FILEs. What was in the folder is moved beside it. The authority must not\n"
     "run.\n",
     CS_OPTIONS(CS_WITH(DIR), CS_WITH(PASSPHRASE_FILE), CS_WITH(JSON)), cs_cmd_ca_restore},
    {"ca sweep", NULL, 0, "move what has expired into the archives",
     "Certificates that expired a week ago or more, and entries of the log as old, go\n"
     "to one file a month in the folder's archive, so that what is in use stays small;\n"
     "ca show and ca audit still find them. \"keep\" in the authority block says when\n"
     "archives are deleted. An authority that runs does all this by itself.\n",
     CS_OPTIONS(CA_OPEN), cs_cmd_ca_sweep},
    {"ca serve", NULL, 0, "answer over the network: enrolment, renewal, lists, events",
     "The CA as a server, without a gateway, until it is told to stop. With --plain\n"
     "its certificates, revocation lists and OCSP answers can be had without TLS, too.\n"
     "Begun by root it opens the keys and becomes another account, which owns the\n"
     "folder then: --user, else the folder's owner, else countersign-ca.\n"
     "\n"
     "Prints the fingerprint by which clients know it (enrol --fingerprint), and a\n"
     "line for each request.\n",
     CS_OPTIONS(CS_WITH(DIR), CS_WITH(CONFIG), CS_WITH(PREFIX), CS_WITH(PASSPHRASE_FILE),
                CS_WITH(LISTEN), CS_WITH(PLAIN), CS_WITH(USER)),
     cs_cmd_ca_serve},
    {"ca audit", "[verify]", 1, "the log of all that the CA did",
     "Who asked, how they proved it, what was signed. \"verify\" goes through the whole\n"
     "chain and exits 1 if anything in it was changed, is missing or was added.\n",
     CS_OPTIONS(CA_OPEN), cs_cmd_ca_audit},
    {"version", NULL, 0, "print the version and the TLS library",
     "And which nginx's configuration is understood. So does countersign --version.\n",
     CS_OPTIONS(), cs_cmd_version},
    {"help", "[COMMAND]", 2, "say what the commands do",
     "Of one command: its options, what its exit status means, and examples.\n"
     "\n"
     "With --directives: the manual of all directives. With --completion bash,\n"
     "zsh or fish: a script that lets the shell complete commands, options and files.\n",
     CS_OPTIONS(CS_WITH(DIRECTIVES), CS_WITH(COMPLETION)), cs_cmd_help},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct cs_command *cs_commands(size_t *ret_n)
{
    *ret_n = N_COMMANDS;
    return commands;
}

const struct cs_option_row *cs_option_rows(void)
{
    return options;
}

const struct cs_command *cs_command_find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

bool cs_command_is_of(const struct cs_command *command, const struct cs_command *group)
{
    size_t len = group ? strlen(group->name) : 0;

    if (!group)
        return strchr(command->name, ' ') == NULL;
    return strncmp(command->name, group->name, len) == 0 && command->name[len] == ' ';
}

const struct cs_command *cs_command_find_words(int argc, char *const *argv, int *ret_n)
{
    const struct cs_command *command = cs_command_find(argv[0]);

    *ret_n = 1;
    for (size_t i = 0; command && argc > 1 && i < N_COMMANDS; i++) {
        if (!cs_command_is_of(&commands[i], command) ||
            strcmp(commands[i].name + strlen(command->name) + 1, argv[1]) != 0)
            continue;
        *ret_n = 2;
        return &commands[i];
    }
    return command;
}

bool cs_command_is_group(const struct cs_command *command)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (cs_command_is_of(&commands[i], command))
            return true;
    }
    return false;
}

/* Two mistakes at most, and fewer than half of a short word. */
static bool is_near(size_t distance, size_t len)
{
    return distance <= 2 && distance * 2 < len;
}

const struct cs_command *cs_command_nearest(const char *name)
{
    const struct cs_command *nearest = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t d = cs_str_distance(cs_str_from(name), cs_str_from(commands[i].name));
        if (d < least && is_near(d, strlen(commands[i].name))) {
            nearest = &commands[i];
            least = d;
        }
    }
    return nearest;
}

bool cs_line_has(const struct cs_line *line, enum cs_option option)
{
    return line->values[option] != NULL;
}

bool cs_command_takes(const struct cs_command *command, enum cs_option option)
{
    return option == CS_OPT_HELP || command->options[option];
}

bool cs_command_shows(const struct cs_command *command, enum cs_option option)
{
    return !options[option].hidden && cs_command_takes(command, option);
}

/* The command's options as getopt_long() wants them; a long one returns 256 + its number. */
static void getopt_tables(const struct cs_command *command, char *letters,
                          struct option longs[CS_OPT_N + 1])
{
    *letters++ = ':'; /* say ':' for a missing argument, and print nothing */
    for (int i = 0; i < CS_OPT_N; i++) {
        if (!cs_command_takes(command, i))
            continue;
        *longs++ = (struct option){
            options[i].name, options[i].argument ? required_argument : no_argument, NULL, 256 + i};
        if (!options[i].letter)
            continue;
        *letters++ = options[i].letter;
        if (options[i].argument)
            *letters++ = ':';
    }
    *longs = (struct option){0};
    *letters = '\0';
}

/* Which option getopt_long() means by @c, or -1. */
static int option_of(int c)
{
    if (c >= 256)
        return c - 256;
    for (int i = 0; i < CS_OPT_N; i++) {
        if (options[i].letter == c)
            return i;
    }
    return -1;
}

static const char *near_option(const struct cs_command *command, const char *typed)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (int i = 0; i < CS_OPT_N; i++) {
        size_t d = cs_str_distance(cs_str_from(typed), cs_str_from(options[i].name));
        if (cs_command_takes(command, i) && d < least && is_near(d, strlen(options[i].name))) {
            nearest = options[i].name;
            least = d;
        }
    }
    return nearest;
}

static int refuse_option(const struct cs_command *command, int c, char *const *argv,
                         struct cs_buf *error)
{
    const char *word = argv[optind - 1];
    const char *nearest;

    if (c == ':' && optopt >= 256)
        return cs_buf_addf(error, "option --%s wants %s", options[optopt - 256].name,
                           options[optopt - 256].argument);
    if (c == ':')
        return cs_buf_addf(error, "option -%c wants %s", optopt,
                           options[option_of(optopt)].argument);
    if (optopt >= 256)
        return cs_buf_addf(error, "option --%s takes no argument", options[optopt - 256].name);
    if (optopt)
        return cs_buf_addf(error, "unknown option \"-%c\"", optopt);
    nearest = near_option(command, word + 2);
    cs_buf_addf(error, "unknown option \"%s\"", word);
    return nearest ? cs_buf_addf(error, ", did you mean \"--%s\"?", nearest) : 0;
}

static int note_value(struct cs_line *line, int option, const char *value, struct cs_buf *error)
{
    line->values[option] = value;
    if (option != CS_OPT_PIN)
        return 0;
    if (line->n_pins == CS_LINE_PINS) {
        cs_buf_addf(error, "option --pin may come %d times at most", CS_LINE_PINS);
        return -EINVAL;
    }
    line->pins[line->n_pins++] = value;
    return 0;
}

int cs_line_parse(const struct cs_command *command, int argc, char **argv, struct cs_line *ret_line,
                  struct cs_buf *error)
{
    struct cs_line line = {.command = command};
    struct option longs[CS_OPT_N + 1];
    char letters[2 * CS_OPT_N + 2];
    int c;

    getopt_tables(command, letters, longs);
    optind = 0; /* start over */
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (c == '?' || c == ':') {
            refuse_option(command, c, argv, error);
            return -EINVAL;
        }
        if (note_value(&line, option_of(c), optarg ? optarg : "", error) < 0)
            return -EINVAL;
    }
    line.operands = argv + optind;
    line.n_operands = argc - optind;
    if (line.n_operands > command->max_operands) {
        cs_buf_addf(error, "unexpected \"%s\"", line.operands[command->max_operands]);
        return -EINVAL;
    }
    *ret_line = line;
    return 0;
}
