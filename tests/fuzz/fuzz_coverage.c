/* Any bytes as the issuing distribution point of a list and, behind a zero byte, as the
 * distribution points of a certificate: no list covers both users and CAs by halves, and a
 * certificate without points has no part of its own. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/coverage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t first = size ? data[0] : 0, at = first < size ? first : size;
    struct cs_str value = cs_str_make(data + (size != 0), at - (at != 0));
    struct cs_crl list = {.has_issuing_point = true, .issuing_point = value};
    struct cs_cert cert = {.crl_points = cs_str_make(data + at, size - at)}, none = {0};
    struct cs_points points, no_points;
    struct cs_coverage coverage;

    cs_points_of(&cert, &points);
    cs_points_of(&none, &no_points);
    cs_assert(points.n <= CS_POINTS_MAX && no_points.n == 0);
    if (cs_coverage_read(&list, &coverage))
        return 0;
    cs_assert(coverage.is_part && (coverage.users || coverage.cas));
    cs_assert(coverage.names.len || coverage.users != coverage.cas);
    cs_assert(!coverage.names.len || !cs_coverage_has(&coverage, &none, &no_points));
    cert.ca = !coverage.cas;
    if (!coverage.cas || !coverage.users)
        cs_assert(!cs_coverage_has(&coverage, &cert, &points) || cert.ca == coverage.cas);
    return 0;
}
