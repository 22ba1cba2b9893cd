/* A line or two to begin with, for each command that has something to say; test_command.c takes
 * each of them apart as main() would. */
#include <string.h>

#include "cmd/command.h"

static const struct {
    const char *command, *lines;
} examples[] = {
    {"run", "  countersign run -c /etc/nginx/nginx.conf\n"},
    {"check", "  countersign check -c /etc/nginx/nginx.conf\n"},
    {"reload", "  countersign reload\n"},
    {"stop", "  countersign stop -c gateway.conf\n"},
    {"quit", "  countersign quit -c gateway.conf\n"},
    {"reopen", "  countersign reopen\n"},
    {"status", "  countersign status\n"
               "  countersign status --json -c gateway.conf\n"},
    {"renew", "  countersign renew www.example.internal\n"},
    {"revoke", "  countersign revoke --now --reason keyCompromise client.pem\n"
               "  countersign revoke --now --issuer ca.pem 17\n"},
    {"demo", "  countersign demo --once\n"},
    {"doctor", "  countersign doctor --cert me.pem --key me.key www.example.internal:443\n"
               "  countersign doctor --ca root.pem --ocsp --compare [::1]:8443\n"
               "  countersign doctor --starttls smtp mail.example.internal\n"
               "  countersign doctor --listen 127.0.0.1:8443 --cert server.pem --key server.key\n"
               "  countersign doctor refused.pcap\n"},
    {"inspect", "  countersign inspect server.pem root.pem\n"
                "  countersign inspect --for client --at +30d client.pem\n"
                "  countersign inspect www.example.internal:443\n"},
    {"explain", "  countersign explain /var/log/countersign/failures.json\n"
                "  countersign explain --chain client.pem --trust root.pem --at +30d\n"},
    {"enrol", "  countersign enrol --ca https://ca.example.internal:9443 --fingerprint SHA256 \\\n"
              "      --token-file token --identity dns:www.example.internal --out papers\n"
              "  countersign enrol --out papers --watch\n"},
    {"ca init", "  countersign ca init --dir ca --name Example --domain example.internal\n"},
    {"ca issue", "  countersign ca issue --dir ca --out www www.example.internal\n"
                 "  countersign ca issue --dir ca --out alice --profile client alice\n"},
    {"ca sign", "  countersign ca sign --dir ca --ttl 7d request.pem\n"},
    {"ca renew", "  countersign ca renew --dir ca www\n"},
    {"ca revoke", "  countersign ca revoke --dir ca --reason keyCompromise www/cert.pem\n"},
    {"ca list", "  countersign ca list --dir ca --expiring 7d\n"},
    {"ca show", "  countersign ca show --dir ca\n"
                "  countersign ca show --dir ca www/cert.pem\n"},
    {"ca crl", "  countersign ca crl --dir ca /etc/countersign/clients.crl\n"},
    {"ca token", "  countersign ca token --dir ca --ttl 10m www.example.internal\n"},
    {"ca profiles", "  countersign ca profiles --dir ca\n"},
    {"ca rotate", "  countersign ca rotate --dir ca issuer prepare\n"
                  "  countersign ca rotate --dir ca issuer activate\n"},
    {"ca backup", "  countersign ca backup --dir ca /backup/ca-monday\n"},
    {"ca restore", "  countersign ca restore --dir ca /backup/ca-monday clients.crl\n"},
    {"ca sweep", "  countersign ca sweep --dir ca\n"},
    {"ca serve", "  countersign ca serve --dir ca --listen 0.0.0.0:9443 --plain 0.0.0.0:9080\n"},
    {"ca audit", "  countersign ca audit --dir ca verify\n"},
    {"help", "  countersign help ca issue\n"},
};

const char *cs_command_examples(const struct cs_command *command)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (strcmp(examples[i].command, command->name) == 0)
            return examples[i].lines;
    }
    return "";
}
