/* A certificate that our own code does not make: it may only be shown with an OCSP response
 * (RFC 7633). Self-signed, good until 2081; the key is nobody's. */
#ifndef CS_TESTS_SNAPSHOT_DEMANDING_H
#define CS_TESTS_SNAPSHOT_DEMANDING_H

static const char demanding_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBuDCCAV2gAwIBAgIUayRuj80tDTc3+LBHcVwb4OCJeTgwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJZGVtYW5kaW5nMCAXDTI2MTEyNDAwMzAyNVoYDzIwODEwODI3\n"
    "MDAzMDI1WjAUMRIwEAYDVQQDDAlkZW1hbmRpbmcwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAAQJtHzPbOoW1mU+AiomYEyeg65zqMx+27x9XSmKf08xZP6HfAiBZdok\n"
    "muub5frb13JKDWzu3rV2cNfSSND+PMWpo4GKMIGHMB0GA1UdDgQWBBQUMk0PHxtM\n"
    "TDaWFi76EzvY5keUOTAfBgNVHSMEGDAWgBQUMk0PHxtMTDaWFi76EzvY5keUOTAR\n"
    "BggrBgEFBQcBGAQFMAMCAQUwDgYDVR0PAQH/BAQDAgeAMAwGA1UdEwEB/wQCMAAw\n"
    "FAYDVR0RBA0wC4IJZGVtYW5kaW5nMAoGCCqGSM49BAMCA0kAMEYCIQCj+HUJKLSm\n"
    "eGOcAxvuIGKajaFl9g38gaBPMz5R/pi3MwIhAJaBfaqE4SHq+biclKANXApfo/C8\n"
    "7LqufGRgv+Or7EW8\n"
    "-----END CERTIFICATE-----\n";

static const char demanding_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgK++43TfZwzjWpGEr\n"
    "+KUGQC1FXnzbgc70h8HGkqiM+1uhRANCAAQJtHzPbOoW1mU+AiomYEyeg65zqMx+\n"
    "27x9XSmKf08xZP6HfAiBZdokmuub5frb13JKDWzu3rV2cNfSSND+PMWp\n"
    "-----END PRIVATE KEY-----\n";

#endif
