/* One table of words. AWS-LC has kept some numbers of older days; they are translated. */
#include "x509/error.h"

#include <openssl/x509_vfy.h>
#ifdef CS_TLS_AWSLC
#include <openssl/x509.h>
#endif

#ifdef CS_TLS_AWSLC
static const struct {
    int library, openssl;
} translations[] = {
    {X509_V_ERR_INVALID_CA, 79},       {X509_V_ERR_INVALID_CALL, 69},
    {X509_V_ERR_STORE_LOOKUP, 70},     {X509_V_ERR_NAME_CONSTRAINTS_WITHOUT_SANS, 47},
    {X509_V_ERR_EE_KEY_TOO_SMALL, 66}, {X509_V_ERR_CA_KEY_TOO_SMALL, 67},
    {X509_V_ERR_CA_MD_TOO_WEAK, 68},   {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, 94},
};

int cs_x509_error_from_library(int error)
{
    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
        if (translations[i].library == error)
            return translations[i].openssl;
    }
    return error;
}
#else
int cs_x509_error_from_library(int error)
{
    return error;
}
#endif

static const char *const texts[] = {
    [0] = "ok",
    [1] = "unspecified certificate verification error",
    [2] = "unable to get issuer certificate",
    [3] = "unable to get certificate CRL",
    [4] = "unable to decrypt certificate's signature",
    [5] = "unable to decrypt CRL's signature",
    [6] = "unable to decode issuer public key",
    [7] = "certificate signature failure",
    [8] = "CRL signature failure",
    [9] = "certificate is not yet valid",
    [10] = "certificate has expired",
    [11] = "CRL is not yet valid",
    [12] = "CRL has expired",
    [13] = "format error in certificate's notBefore field",
    [14] = "format error in certificate's notAfter field",
    [15] = "format error in CRL's lastUpdate field",
    [16] = "format error in CRL's nextUpdate field",
    [17] = "out of memory",
    [18] = "self-signed certificate",
    [19] = "self-signed certificate in certificate chain",
    [20] = "unable to get local issuer certificate",
    [21] = "unable to verify the first certificate",
    [22] = "certificate chain too long",
    [23] = "certificate revoked",
    [24] = "issuer certificate doesn't have a public key",
    [25] = "path length constraint exceeded",
    [26] = "unsuitable certificate purpose",
    [27] = "certificate not trusted",
    [28] = "certificate rejected",
    [29] = "subject issuer mismatch",
    [30] = "authority and subject key identifier mismatch",
    [31] = "authority and issuer serial number mismatch",
    [32] = "key usage does not include certificate signing",
    [33] = "unable to get CRL issuer certificate",
    [34] = "unhandled critical extension",
    [35] = "key usage does not include CRL signing",
    [36] = "unhandled critical CRL extension",
    [37] = "invalid non-CA certificate (has CA markings)",
    [38] = "proxy path length constraint exceeded",
    [39] = "key usage does not include digital signature",
    [40] = "proxy certificates not allowed, please set the appropriate flag",
    [41] = "invalid or inconsistent certificate extension",
    [42] = "invalid or inconsistent certificate policy extension",
    [43] = "no explicit policy",
    [44] = "different CRL scope",
    [45] = "unsupported extension feature",
    [46] = "RFC 3779 resource not subset of parent's resources",
    [47] = "permitted subtree violation",
    [48] = "excluded subtree violation",
    [49] = "name constraints minimum and maximum not supported",
    [50] = "application verification failure",
    [51] = "unsupported name constraint type",
    [52] = "unsupported or invalid name constraint syntax",
    [53] = "unsupported or invalid name syntax",
    [54] = "CRL path validation error",
    [55] = "path loop",
    [62] = "hostname mismatch",
    [63] = "email address mismatch",
    [64] = "IP address mismatch",
    [66] = "EE certificate key too weak",
    [67] = "CA certificate key too weak",
    [68] = "CA signature digest algorithm too weak",
    [69] = "invalid certificate verification context",
    [70] = "issuer certificate lookup error",
    [73] = "OCSP verification needed",
    [74] = "OCSP verification failed",
    [75] = "OCSP unknown cert",
    [76] = "cannot find certificate signature algorithm",
    [77] = "subject signature algorithm and issuer public key algorithm mismatch",
    [78] = "cert info signature and signature algorithm mismatch",
    [79] = "invalid CA certificate",
    [94] = "certificate public key has explicit ECC parameters",
};

struct cs_str cs_x509_error_text(int error)
{
    if (error < 0 || (size_t)error >= sizeof(texts) / sizeof(texts[0]) || !texts[error])
        return CS_STR("unspecified certificate verification error");
    return cs_str_from(texts[error]);
}
