/* Only the last star is ever tried again, one byte further on: what an earlier one took has been
 * matched as early as possible, and earlier is never worse. */
#include "store/glob.h"

bool cs_glob_match(struct cs_str pattern, struct cs_str text)
{
    size_t p = 0, t = 0, star = pattern.len, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
            p++;
            t++;
        } else if (star < pattern.len) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}
