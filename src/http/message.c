/* Two small tables: methods by name, reasons by status. */
#include "http/message.h"

static const struct {
    struct cs_str text;
    enum cs_http_method method;
} methods[] = {
    {CS_STR_INIT("GET"), CS_METHOD_GET},           {CS_STR_INIT("POST"), CS_METHOD_POST},
    {CS_STR_INIT("HEAD"), CS_METHOD_HEAD},         {CS_STR_INIT("PUT"), CS_METHOD_PUT},
    {CS_STR_INIT("DELETE"), CS_METHOD_DELETE},     {CS_STR_INIT("OPTIONS"), CS_METHOD_OPTIONS},
    {CS_STR_INIT("PATCH"), CS_METHOD_PATCH},       {CS_STR_INIT("TRACE"), CS_METHOD_TRACE},
    {CS_STR_INIT("CONNECT"), CS_METHOD_CONNECT},   {CS_STR_INIT("MKCOL"), CS_METHOD_MKCOL},
    {CS_STR_INIT("COPY"), CS_METHOD_COPY},         {CS_STR_INIT("MOVE"), CS_METHOD_MOVE},
    {CS_STR_INIT("PROPFIND"), CS_METHOD_PROPFIND}, {CS_STR_INIT("PROPPATCH"), CS_METHOD_PROPPATCH},
    {CS_STR_INIT("LOCK"), CS_METHOD_LOCK},         {CS_STR_INIT("UNLOCK"), CS_METHOD_UNLOCK},
};

#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

enum cs_http_method cs_http_method(struct cs_str text)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if (cs_str_eq(methods[i].text, text))
            return methods[i].method;
    return CS_METHOD_OTHER;
}

struct cs_str cs_http_method_text(enum cs_http_method method)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if (methods[i].method == method)
            return methods[i].text;
    return CS_STR("");
}

static const struct {
    unsigned status;
    struct cs_str reason;
} reasons[] = {
    {100, CS_STR_INIT("Continue")},
    {101, CS_STR_INIT("Switching Protocols")},
    {102, CS_STR_INIT("Processing")},
    {103, CS_STR_INIT("Early Hints")},
    {200, CS_STR_INIT("OK")},
    {201, CS_STR_INIT("Created")},
    {202, CS_STR_INIT("Accepted")},
    {203, CS_STR_INIT("Non-Authoritative Information")},
    {204, CS_STR_INIT("No Content")},
    {205, CS_STR_INIT("Reset Content")},
    {206, CS_STR_INIT("Partial Content")},
    {207, CS_STR_INIT("Multi-Status")},
    {300, CS_STR_INIT("Multiple Choices")},
    {301, CS_STR_INIT("Moved Permanently")},
    {302, CS_STR_INIT("Moved Temporarily")},
    {303, CS_STR_INIT("See Other")},
    {304, CS_STR_INIT("Not Modified")},
    {307, CS_STR_INIT("Temporary Redirect")},
    {308, CS_STR_INIT("Permanent Redirect")},
    {400, CS_STR_INIT("Bad Request")},
    {401, CS_STR_INIT("Unauthorized")},
    {402, CS_STR_INIT("Payment Required")},
    {403, CS_STR_INIT("Forbidden")},
    {404, CS_STR_INIT("Not Found")},
    {405, CS_STR_INIT("Not Allowed")},
    {406, CS_STR_INIT("Not Acceptable")},
    {407, CS_STR_INIT("Proxy Authentication Required")},
    {408, CS_STR_INIT("Request Time-out")},
    {409, CS_STR_INIT("Conflict")},
    {410, CS_STR_INIT("Gone")},
    {411, CS_STR_INIT("Length Required")},
    {412, CS_STR_INIT("Precondition Failed")},
    {413, CS_STR_INIT("Request Entity Too Large")},
    {414, CS_STR_INIT("Request-URI Too Large")},
    {415, CS_STR_INIT("Unsupported Media Type")},
    {416, CS_STR_INIT("Requested Range Not Satisfiable")},
    {417, CS_STR_INIT("Expectation Failed")},
    {418, CS_STR_INIT("I'm a teapot")},
    {421, CS_STR_INIT("Misdirected Request")},
    {422, CS_STR_INIT("Unprocessable Content")},
    {425, CS_STR_INIT("Too Early")},
    {426, CS_STR_INIT("Upgrade Required")},
    {428, CS_STR_INIT("Precondition Required")},
    {429, CS_STR_INIT("Too Many Requests")},
    {431, CS_STR_INIT("Request Header Fields Too Large")},
    {444, CS_STR_INIT("Connection Closed Without Response")},
    {451, CS_STR_INIT("Unavailable For Legal Reasons")},
    {494, CS_STR_INIT("Request Header Or Cookie Too Large")},
    {495, CS_STR_INIT("The SSL certificate error")},
    {496, CS_STR_INIT("No required SSL certificate was sent")},
    {497, CS_STR_INIT("The plain HTTP request was sent to HTTPS port")},
    {499, CS_STR_INIT("Client Closed Request")},
    {500, CS_STR_INIT("Internal Server Error")},
    {501, CS_STR_INIT("Not Implemented")},
    {502, CS_STR_INIT("Bad Gateway")},
    {503, CS_STR_INIT("Service Temporarily Unavailable")},
    {504, CS_STR_INIT("Gateway Time-out")},
    {505, CS_STR_INIT("HTTP Version Not Supported")},
    {507, CS_STR_INIT("Insufficient Storage")},
    {511, CS_STR_INIT("Network Authentication Required")},
};

struct cs_str cs_http_reason(unsigned status)
{
    size_t low = 0, high = sizeof(reasons) / sizeof(reasons[0]);

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (reasons[middle].status == status)
            return reasons[middle].reason;
        if (reasons[middle].status < status)
            low = middle + 1;
        else
            high = middle;
    }
    return CS_STR("");
}

unsigned cs_http_wire_status(unsigned status)
{
    return status >= 494 && status <= 497 ? 400 : status;
}
