/* libpcap, loaded when a capture is read and not before: it comes with libraries that have no
 * business in a gateway's process. */
#ifndef CS_DOCTOR_PCAP_H
#define CS_DOCTOR_PCAP_H

#include <pcap/pcap.h>

/* The functions that are used of it. */
struct cs_pcap {
    __typeof__(pcap_fopen_offline) *fopen_offline;
    __typeof__(pcap_datalink) *datalink;
    __typeof__(pcap_datalink_val_to_description) *datalink_val_to_description;
    __typeof__(pcap_next_ex) *next_ex;
    __typeof__(pcap_geterr) *geterr;
    __typeof__(pcap_close) *close;
};

/** cs_pcap_load() - the library, which stays loaded. Return: it, or NULL with *ret_error (static,
 *  or the loader's until its next call). */
const struct cs_pcap *cs_pcap_load(const char **ret_error);

#endif
