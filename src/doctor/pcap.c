/* By either of the names under which distributions have it. */
#include "doctor/pcap.h"

#include <dlfcn.h>

static void *open_library(void)
{
    void *library = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);

    return library ? library : dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
}

const struct cs_pcap *cs_pcap_load(const char **ret_error)
{
    static struct cs_pcap pcap;
    void *library;

    if (pcap.close)
        return &pcap;
    library = open_library();
    if (!library) {
        *ret_error = dlerror();
        return NULL;
    }
    pcap = (struct cs_pcap){
        .fopen_offline = dlsym(library, "pcap_fopen_offline"),
        .datalink = dlsym(library, "pcap_datalink"),
        .datalink_val_to_description = dlsym(library, "pcap_datalink_val_to_description"),
        .next_ex = dlsym(library, "pcap_next_ex"),
        .geterr = dlsym(library, "pcap_geterr"),
        .close = dlsym(library, "pcap_close"),
    };
    if (pcap.fopen_offline && pcap.datalink && pcap.datalink_val_to_description && pcap.next_ex &&
        pcap.geterr && pcap.close)
        return &pcap;
    pcap.close = NULL;
    *ret_error = "libpcap lacks a function";
    return NULL;
}
