/* Gathering the facts of a failure, from wherever they are at that moment. */
#include "gateway/failure.h"

#include "explain/clock.h"
#include "explain/diagnosis.h"
#include "gateway/incident.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "io/clock.h"
#include "snapshot/errand.h"
#include "tls/session.h"
#include "x509/name.h"

/* One failure while it is looked at. */
struct scene {
    struct cs_peer peer;
    int fd; /* of the connection to it; -1: none */
    struct cs_transport transport;
    struct cs_clock clock;
    struct cs_awaited awaited;
    struct cs_record record;
    struct cs_str words; /* nginx's, for the error log */
    struct cs_arena arena;
    struct cs_findings findings;
    const struct cs_finding *cause;
};

static void open_scene(struct scene *scene, const struct cs_conn *conn, struct cs_transport seen)
{
    *scene = (struct scene){.fd = -1, .transport = seen};
    cs_arena_init(&scene->arena);
    cs_findings_init(&scene->findings, &scene->arena);
    scene->record = cs_conn_record(conn, &scene->peer);
    scene->record.transport = &scene->transport;
    scene->record.now_ms = conn->worker->loop.now.wall_ms;
}

static void close_scene(struct scene *scene)
{
    cs_arena_deinit(&scene->arena);
}

/* What the session knows of the byte stream; what the caller says goes before. */
static void ask_session(struct scene *scene, const struct cs_wire *wire)
{
    struct cs_transport seen = scene->transport;

    if (!wire->tls)
        return;
    cs_tls_transport(wire->tls, &scene->transport);
    if (seen.ending)
        scene->transport.ending = seen.ending;
    scene->transport.limit_ms = seen.limit_ms;
    scene->transport.outgoing = seen.outgoing;
    scene->transport.target = seen.target;
}

static void see_awaited(struct scene *scene, const struct cs_errand *errand)
{
    scene->awaited =
        (struct cs_awaited){errand->news->failing_since_sec, cs_str_from(errand->news->why)};
    scene->record.awaited = &scene->awaited;
}

/* The client's side of a scene. */
static void see_client(struct scene *scene, struct cs_conn *conn, const struct cs_vserver *server)
{
    scene->fd = conn->wire.fd;
    scene->transport.tls = conn->listener->tls;
    scene->record.server = server->name;
    scene->record.trust = conn->credentials->auth.trust;
    if (conn->credentials->awaited)
        see_awaited(scene, server->own.errand);
}

static const uint8_t *leaf_digest(const struct cs_verdict *verdict)
{
    return verdict && verdict->leaf ? verdict->leaf->sha256 : NULL;
}

/* What the clocks say is asked for when it matters. */
static void see_clock(struct scene *scene, const struct cs_worker *worker)
{
    const struct cs_verdict *verdict = scene->record.verdict;

    if (!verdict || !verdict->cause || !cs_clock_matters(verdict->cause->kind))
        return;
    cs_clock_look(worker->snapshot->clock_page, &worker->loop.now, &scene->clock);
    scene->record.clock = &scene->clock;
}

/* A finding for as long as the arena lasts: the scene's may be gone before. */
static const struct cs_finding *keep(struct cs_arena *arena, const struct cs_finding *finding)
{
    struct cs_finding *kept = CS_ARENA_NEW(arena, struct cs_finding);

    *kept = *finding;
    kept->next = NULL;
    for (size_t i = 0; i < CS_FINDING_OPERANDS; i++)
        kept->operands[i] = cs_arena_dup(arena, finding->operands[i]);
    return kept;
}

/* Find the cause and note it. *@ret_telling is to be told, unless it is NULL.
 * Return: its id in @arena, or empty when nothing failed. */
static struct cs_str note(struct scene *scene, struct cs_conn *conn,
                          const struct cs_vserver *server, struct cs_arena *arena,
                          struct cs_telling **ret_telling)
{
    const struct cs_request *request = conn->request;
    struct cs_incident_spec spec = {
        .listener = conn->listener,
        .server = server,
        .scope = request && request->scope ? request->scope : server->base,
        .record = &scene->record,
        .peer = &scene->peer,
        .fd = scene->fd,
        .connection = conn->number,
        .words = scene->words,
        .request = request ? request->head.line : (struct cs_str){0},
        .certificate = leaf_digest(scene->record.verdict),
        .rules = request && request->admission.kind ? request->scope : NULL,
    };

    *ret_telling = NULL;
    see_clock(scene, conn->worker);
    scene->cause = cs_diagnose(&scene->record, &scene->findings);
    if (!scene->cause)
        return (struct cs_str){0};
    scene->cause = keep(arena, scene->cause);
    spec.cause = scene->cause;
    return cs_incident_note(conn->worker, &spec, arena, ret_telling);
}

/* The same for what no answer follows. */
static struct cs_str note_and_tell(struct scene *scene, struct cs_conn *conn,
                                   const struct cs_vserver *server, struct cs_arena *arena)
{
    struct cs_telling *telling;
    struct cs_str id = note(scene, conn, server, arena, &telling);

    if (telling)
        cs_incident_tell(conn->worker, telling, 0);
    return id;
}

/* Whether there was a handshake to fail: a byte came, or none in all the time that TLS was given.
 */
static bool was_meant(const struct scene *scene)
{
    return scene->transport.bytes_in ||
           (scene->transport.tls && scene->transport.ending == CS_ENDING_TIMEOUT);
}

void cs_failure_connection(struct cs_conn *conn, struct cs_transport seen)
{
    struct scene scene;

    open_scene(&scene, conn, seen);
    if (!conn->wire.tls) {
        scene.transport.first = cs_str_sub(cs_buf_str(&conn->in), 0, CS_TRANSPORT_FIRST);
        scene.transport.bytes_in = conn->in.len;
    } else {
        if (seen.ending == CS_ENDING_TIMEOUT)
            cs_tls_abandon(conn->wire.tls);
        ask_session(&scene, &conn->wire);
    }
    see_client(&scene, conn, conn->server);
    if (was_meant(&scene))
        note_and_tell(&scene, conn, conn->server, &scene.arena);
    close_scene(&scene);
}

static bool is_misnamed(struct cs_conn *conn, struct cs_str sni)
{
    struct cs_findings ignored;
    struct cs_arena arena;
    struct cs_cert leaf;
    bool misnamed = false;
    size_t n = 0;
    const struct cs_str *own = cs_tls_own_chain(conn->wire.tls, &n);

    cs_arena_init(&arena);
    cs_findings_init(&ignored, &arena);
    if (n && cs_cert_parse(own[0], &arena, &ignored, &leaf) == 0)
        misnamed = cs_name_match_host(&leaf, sni) == CS_HOST_NO;
    cs_arena_deinit(&arena);
    return misnamed;
}

void cs_failure_left(struct cs_conn *conn)
{
    const struct cs_handshake *facts = conn->wire.tls ? cs_tls_facts(conn->wire.tls) : NULL;

    if (!facts || !facts->complete || !facts->sni.len || !is_misnamed(conn, facts->sni))
        return;
    cs_tls_collect(conn->wire.tls);
    cs_failure_connection(conn, (struct cs_transport){.ending = CS_ENDING_CLOSED});
}

void cs_failure_cut(struct cs_conn *conn, const struct cs_verdict *refusal)
{
    struct scene scene;

    open_scene(&scene, conn, (struct cs_transport){0});
    ask_session(&scene, &conn->wire);
    see_client(&scene, conn, conn->server);
    scene.record.stage = CS_STAGE_OPEN;
    scene.record.verdict = refusal;
    scene.record.outcome = NULL;
    note_and_tell(&scene, conn, conn->server, &scene.arena);
    close_scene(&scene);
}

static void set_incident(struct cs_request *request, struct scene *scene, struct cs_str id)
{
    struct cs_incident *incident;

    if (!id.len)
        return;
    incident = CS_ARENA_NEW(&request->arena, struct cs_incident);
    incident->id = id;
    incident->cause = scene->cause;
    incident->is_upstream = scene->transport.outgoing;
    request->incident = incident;
}

void cs_failure_request(struct cs_conn *conn, struct cs_str first)
{
    struct cs_request *request = conn->request;
    struct scene scene;

    open_scene(&scene, conn, (struct cs_transport){.first = first, .bytes_in = first.len});
    ask_session(&scene, &conn->wire);
    see_client(&scene, conn, request->server);
    scene.record.host = request->host;
    cs_failure_answered(request, 0);
    set_incident(request, &scene,
                 note(&scene, conn, request->server, &request->arena, &request->telling));
    close_scene(&scene);
}

void cs_failure_answered(struct cs_request *request, int status)
{
    struct cs_telling *telling = request->telling;

    request->telling = NULL;
    if (telling)
        cs_incident_tell(request->conn->worker, telling, status);
}

/* The upstream's side of a scene, as far as the connection to it came. */
static void see_upstream(struct scene *scene, struct cs_upconn *up)
{
    if (scene->transport.ending == CS_ENDING_TIMEOUT && up->wire.tls)
        cs_tls_abandon(up->wire.tls);
    ask_session(scene, &up->wire);
    scene->fd = up->wire.fd;
    scene->record.handshake = up->wire.tls ? cs_tls_facts(up->wire.tls) : NULL;
    scene->record.verdict = up->verdict;
    scene->record.host = up->name;
    if (up->tls && up->tls->awaited)
        see_awaited(scene, up->proxy->tls->own.errand);
}

bool cs_failure_upstream(struct cs_conn *conn, const struct cs_proxy *proxy, size_t peer,
                         struct cs_upconn *up, struct cs_transport seen, struct cs_str words)
{
    struct cs_request *request = conn->request;
    const struct cs_upstream_peer *server = &proxy->upstream->peers[peer];
    struct scene scene;
    struct cs_str id;

    if (!proxy->tls)
        return false;
    seen.outgoing = true;
    seen.tls = true;
    seen.target = server->name;
    open_scene(&scene, conn, seen);
    scene.peer = (struct cs_peer){.addr = server->addr, .socket_addr = server->addr};
    scene.record.handshake = NULL;
    scene.record.verdict = NULL;
    scene.record.identity = NULL;
    scene.record.decision = NULL;
    scene.record.server = proxy->upstream->name;
    scene.record.trust = up ? up->tls->trust : cs_worker_upstream_tls(conn->worker, proxy)->trust;
    scene.words = words;
    if (up)
        see_upstream(&scene, up);
    id = note_and_tell(&scene, conn, request->server, &request->arena);
    set_incident(request, &scene, id);
    close_scene(&scene);
    return id.len != 0;
}
