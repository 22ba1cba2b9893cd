/* Replays a fuzz target's corpus without a fuzzer, so that every build runs it.
 *
 * Each file of the folder goes in as it is, then cut off at every length (the first
 * CUTS bytes of it), then with bits flipped, bytes replaced and pieces doubled or
 * dropped, always the same ones: the generator starts from a fixed seed. Each input is a heap block
 * of exactly its size, so that a sanitizer sees a read past the end. A target has no verdict but
 * the absence of a crash; the input that made one is kept in the working folder as crash-TARGET.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum {
    CUTS = 200,
    CHANGES = 400,
    FILE_MAX = 1 << 20,
};

/* What is being tried, for keep_crash(), which may only touch plain memory. */
static char doing[512];
static char crash_path[256];
static const uint8_t *input;
static size_t input_len;

static void write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static void keep_crash(void)
{
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        write_all(fd, input, input_len);
        close(fd);
    }
    write_all(STDERR_FILENO, doing, strlen(doing));
}

static void on_signal(int signo)
{
    keep_crash();
    signal(signo, SIG_DFL);
    raise(signo);
}

static void watch_for_crashes(const char *target)
{
    snprintf(crash_path, sizeof(crash_path), "crash-%s", target);
    signal(SIGABRT, on_signal);
    signal(SIGILL, on_signal);
    signal(SIGTRAP, on_signal);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(keep_crash); /* says more about a bad access than we */
        return;
    }
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGFPE, on_signal);
}

/* Runs the target on a private copy of exactly @len bytes. */
static void feed(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, data, len);
    input = copy;
    input_len = len;
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    input = NULL;
    input_len = 0;
}

static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

/* One change at a random place of @data, which has room for twice its length. */
static size_t change(uint8_t *data, size_t len, uint64_t *state)
{
    static const uint8_t telling[] = {0x00, 0xff, 0x80, 0x7f, '\r', '\n', ' ', ';', ':', '{'};
    size_t at = next_random(state) % len;
    size_t piece = 1 + next_random(state) % (len - at);
    switch (next_random(state) % 5) {
    case 0:
    case 1: data[at] ^= (uint8_t)(1U << next_random(state) % 8); return len;
    case 2: data[at] = telling[next_random(state) % sizeof(telling)]; return len;
    case 3: memmove(data + at, data + at + piece, len - at - piece); return len - piece;
    default: memmove(data + at + piece, data + at, len - at); return len + piece;
    }
}

static void replay(const char *name, const uint8_t *data, size_t len)
{
    snprintf(doing, sizeof(doing), "# %s as it is\n", name);
    feed(data, len);
    for (size_t cut = 0; cut < len && cut < CUTS; cut++) {
        snprintf(doing, sizeof(doing), "# %s cut off after %zu bytes\n", name, cut);
        feed(data, cut);
    }
    uint8_t *changed = malloc(8 * len + 1);
    if (!changed)
        abort();
    uint64_t state = 0x9e3779b97f4a7c15U;
    for (int i = 0; len > 0 && i < CHANGES; i++) {
        memcpy(changed, data, len);
        size_t changed_len = len;
        for (int n = i % 3; n >= 0 && changed_len > 0 && changed_len <= 4 * len; n--)
            changed_len = change(changed, changed_len, &state);
        snprintf(doing, sizeof(doing), "# %s, change %d\n", name, i);
        feed(changed, changed_len);
    }
    free(changed);
}

static uint8_t *read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    uint8_t *data = malloc(FILE_MAX);
    if (data)
        *ret_len = fread(data, 1, FILE_MAX, f);
    fclose(f);
    return data;
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s TARGET CORPUS\n", argv[0]);
        return 2;
    }
    watch_for_crashes(argv[1]);
    struct dirent **seeds;
    int count = scandir(argv[2], &seeds, is_seed, alphasort);
    if (count <= 0) {
        printf("Bail out! no seeds in \"%s\": %s\n", argv[2], count ? strerror(errno) : "empty");
        return 1;
    }
    int failed = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        size_t len = 0;
        snprintf(path, sizeof(path), "%s/%s", argv[2], seeds[i]->d_name);
        uint8_t *data = read_file(path, &len);
        if (data)
            replay(seeds[i]->d_name, data, len);
        failed += !data;
        printf("%sok %d - %s and its mutations\n", data ? "" : "not ", i + 1, seeds[i]->d_name);
        fflush(stdout);
        free(data);
        free(seeds[i]);
    }
    free(seeds);
    printf("1..%d\n", count);
    return failed != 0;
}
