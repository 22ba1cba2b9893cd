/* Counting references, and the table of what is in force. */
#include "snapshot/credentials.h"

#include "base/mem.h"
#include "snapshot/material.h"
#include "tls/client.h"
#include "tls/server.h"
#include "tls/tickets.h"
#include "x509/trust.h"

struct cs_credentials *cs_credentials_ref(struct cs_credentials *credentials)
{
    credentials->refs++;
    return credentials;
}

struct cs_credentials *cs_credentials_unref(struct cs_credentials *credentials)
{
    if (!credentials || --credentials->refs > 0)
        return NULL;
    cs_trust_unref(credentials->auth.trust);
    cs_tls_server_unref(credentials->tls);
    free(credentials);
    return NULL;
}

struct cs_upstream_tls *cs_upstream_tls_ref(struct cs_upstream_tls *tls)
{
    tls->refs++;
    return tls;
}

struct cs_upstream_tls *cs_upstream_tls_unref(struct cs_upstream_tls *tls)
{
    if (!tls || --tls->refs > 0)
        return NULL;
    cs_trust_unref(tls->trust);
    cs_tls_client_unref(tls->client);
    free(tls);
    return NULL;
}

void cs_keyring_deinit(struct cs_keyring *keyring)
{
    for (size_t i = 0; i < keyring->n_servers; i++)
        cs_credentials_unref(keyring->servers[i]);
    for (size_t i = 0; i < keyring->n_upstreams; i++)
        cs_upstream_tls_unref(keyring->upstreams[i]);
    for (size_t i = 0; i < keyring->n_materials; i++) {
        cs_material_release(keyring->materials[i]->kind, keyring->materials[i]->object);
        cs_material_forget_lists(keyring->materials[i]);
    }
    cs_map_deinit(&keyring->materials_by_key);
    cs_map_deinit(&keyring->files_by_path);
    cs_ticket_keys_unref(keyring->ticket_keys);
    *keyring = (struct cs_keyring){0};
}

void cs_keyring_put_server(struct cs_keyring *keyring, size_t index,
                           struct cs_credentials *credentials)
{
    cs_credentials_unref(keyring->servers[index]);
    keyring->servers[index] = credentials;
}

void cs_keyring_put_upstream(struct cs_keyring *keyring, size_t index, struct cs_upstream_tls *tls)
{
    cs_upstream_tls_unref(keyring->upstreams[index]);
    keyring->upstreams[index] = tls;
}
