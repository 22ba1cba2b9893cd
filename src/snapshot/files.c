/* Reading what a configuration names: whole, bounded, once, and wiped afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "snapshot/build.h"

/* A revocation list of ten million entries still fits. */
enum { FILE_MAX = 512 << 20, CONFIG_MAX = 64 << 20 };

struct cs_str cs_build_path(struct cs_build *build, struct cs_str path)
{
    return cs_arena_dup(build->arena, cs_config_path(path, build->options->prefix, build->arena));
}

static int read_all(int fd, char *into, size_t size, size_t *ret_len)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, into + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

/* The bytes of a regular file, from malloc(). */
static int read_file(const char *path, size_t max, struct cs_str *ret_text,
                     struct cs_file_mark *ret_mark)
{
    cs_cleanup(cs_close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t len = 0;
    char *bytes;
    int r;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((uint64_t)st.st_size > max)
        return -EFBIG;
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return -ENOMEM;
    r = read_all(fd, bytes, (size_t)st.st_size, &len);
    if (r < 0) {
        free(bytes);
        return r;
    }
    *ret_text = cs_str_make(bytes, len);
    *ret_mark = cs_file_mark_of(&st);
    return 0;
}

/* The same through the caller's reader, into malloc() too. */
static int read_elsewhere(struct cs_build *build, struct cs_str path, struct cs_str *ret_text)
{
    const struct cs_config_reader *reader = build->options->reader;
    struct cs_str text;
    char *bytes;
    int r = reader->read(reader->ctx, path, build->arena, &text);

    if (r < 0)
        return r;
    bytes = cs_alloc(text.len);
    if (text.len)
        memcpy(bytes, text.ptr, text.len);
    *ret_text = cs_str_make(bytes, text.len);
    return 0;
}

/* A file that was read. */
struct known {
    struct cs_str text;
    struct cs_file_mark mark;
};

struct cs_str cs_build_known_file(struct cs_build *build, const struct cs_word *word)
{
    const struct known *known = cs_map_get(&build->files, cs_build_path(build, word->text));

    return known ? known->text : (struct cs_str){0};
}

/* It is what was read first that later changes are told from. */
static void note_mark(struct cs_build *build, struct cs_str path, const struct cs_file_mark *mark)
{
    struct cs_credential_file *file = cs_map_get(&build->snapshot->keyring->files_by_path, path);

    if (file && !build->renewing)
        file->mark = *mark;
}

bool cs_build_is_folder(struct cs_build *build, const struct cs_word *word)
{
    struct stat st;

    return cs_str_ends(word->text, CS_STR("/")) ||
           (!build->options->reader && stat(cs_build_path(build, word->text).ptr, &st) == 0 &&
            S_ISDIR(st.st_mode));
}

/* The name of a folder as a pattern of nothing but itself. */
static struct cs_str pattern_of(struct cs_build *build, struct cs_str folder)
{
    struct cs_buf text;
    struct cs_str pattern;

    cs_buf_init(&text, 2 * folder.len + 3);
    for (size_t i = 0; i < folder.len; i++) {
        if (strchr("*?[]\\", folder.ptr[i]))
            cs_buf_add_char(&text, '\\');
        cs_buf_add_char(&text, folder.ptr[i]);
    }
    cs_buf_addf(&text, "/*");
    pattern = cs_arena_dup(build->arena, cs_buf_str(&text));
    cs_buf_deinit(&text);
    return pattern;
}

static int by_text(const void *a, const void *b)
{
    const struct cs_word *x = a, *y = b;

    return cs_str_cmp(x->text, y->text);
}

size_t cs_build_folder(struct cs_build *build, const struct cs_word *word,
                       bool (*wanted)(struct cs_str name), const struct cs_word **ret_files)
{
    const struct cs_config_reader *reader =
        build->options->reader ? build->options->reader : &cs_build_reader;
    struct cs_str folder = cs_build_path(build, word->text), *paths = NULL;
    struct cs_word *files = NULL;
    size_t n_paths = 0, n = 0;
    struct cs_file_mark mark = cs_file_mark(folder.ptr);
    int r = reader->glob ? reader->glob(reader->ctx, pattern_of(build, folder), build->arena,
                                        &paths, &n_paths)
                         : -ENOENT;

    for (size_t i = 0; r == 0 && i < n_paths; i++) {
        if (!wanted(cs_str_skip(paths[i], (size_t)(cs_str_rfind(paths[i], '/') + 1))))
            continue;
        files = cs_build_grow(build, files, n, sizeof(*files));
        files[n] = *word;
        files[n].place = (struct cs_place){.file = paths[i]}; /* what is wrong is wrong there */
        files[n++].text = paths[i];
    }
    if (n == 0) {
        CS_FIND(build->findings, &cs_finding_folder_empty, &word->place, folder);
        return 0;
    }
    note_mark(build, folder, &mark);
    qsort(files, n, sizeof(*files), by_text);
    *ret_files = files;
    return n;
}

size_t cs_build_file(struct cs_build *build, const struct cs_word *word)
{
    struct cs_keyring *keyring = build->snapshot->keyring;
    struct cs_str path = cs_build_path(build, word->text);
    struct cs_credential_file *file = cs_map_get(&keyring->files_by_path, path);

    if (file)
        return file->index;
    file = CS_ARENA_NEW(build->arena, struct cs_credential_file);
    *file = (struct cs_credential_file){.index = keyring->n_files, .path = path};
    keyring->files = cs_build_grow(build, keyring->files, file->index, sizeof(*keyring->files));
    keyring->files[keyring->n_files++] = file;
    cs_map_set(&keyring->files_by_path, path, file);
    return file->index;
}

/* The file at @path, read once. Return: 0, or -errno. */
static int obtain(struct cs_build *build, struct cs_str path, const struct known **ret_known)
{
    struct known *known = cs_map_get(&build->files, path);
    int r = 0;

    if (!known) {
        known = CS_ARENA_NEW(build->arena, struct known);
        r = build->options->reader ? read_elsewhere(build, path, &known->text)
                                   : read_file(path.ptr, FILE_MAX, &known->text, &known->mark);
        if (r == 0)
            cs_map_set(&build->files, path, known);
    }
    if (r == 0)
        note_mark(build, path, &known->mark);
    *ret_known = known;
    return r;
}

bool cs_build_is_there(struct cs_build *build, const struct cs_word *word)
{
    const struct known *known;

    return obtain(build, cs_build_path(build, word->text), &known) == 0 && known->text.len > 0;
}

int cs_build_read(struct cs_build *build, const struct cs_word *word, struct cs_str *ret_text)
{
    struct cs_str path = cs_build_path(build, word->text);
    const struct known *known;
    int r = obtain(build, path, &known);

    if (r < 0) {
        CS_FIND(build->findings, &cs_finding_file_unreadable, &word->place, path,
                cs_str_from(strerror(-r)));
        return -EINVAL;
    }
    if (known->text.len == 0) {
        CS_FIND(build->findings, &cs_finding_file_empty, &word->place, path);
        return -EINVAL;
    }
    *ret_text = known->text;
    return 0;
}

int cs_build_read_key(struct cs_build *build, const struct cs_word *word, struct cs_str *ret_text)
{
    const struct cs_config_reader *reader =
        build->options->reader ? build->options->reader : &cs_build_reader;
    struct cs_str path = cs_build_path(build, word->text);

    if (reader->is_public && reader->is_public(reader->ctx, path))
        CS_FIND(build->findings, &cs_finding_key_exposed, &word->place, path);
    return cs_build_read(build, word, ret_text);
}

void cs_build_wipe_files(struct cs_build *build)
{
    for (size_t i = 0; i < build->files.n_slots; i++) {
        struct known *known = build->files.slots[i].value;
        if (!known)
            continue;
        cs_wipe((char *)known->text.ptr, known->text.len);
        free((char *)known->text.ptr);
    }
    cs_map_deinit(&build->files);
}

static int config_read(void *ctx, struct cs_str path, struct cs_arena *arena,
                       struct cs_str *ret_text)
{
    struct cs_str name = cs_arena_dup(arena, path), text = {0};
    struct cs_file_mark mark;
    int r = read_file(name.ptr, CONFIG_MAX, &text, &mark);

    if (r < 0)
        return r;
    *ret_text = cs_arena_dup(arena, text);
    free((char *)text.ptr);
    return 0;
}

static int config_glob(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                       struct cs_str **ret_paths, size_t *ret_n)
{
    struct cs_str name = cs_arena_dup(arena, pattern);
    glob_t found = {0};
    int r = glob(name.ptr, 0, NULL, &found);

    if (r == GLOB_NOMATCH) {
        *ret_n = 0;
        return 0;
    }
    if (r)
        return r == GLOB_NOSPACE ? -ENOMEM : -EACCES;
    *ret_paths = cs_arena_array(arena, found.gl_pathc, sizeof(**ret_paths));
    for (size_t i = 0; i < found.gl_pathc; i++)
        (*ret_paths)[i] = cs_arena_dup(arena, cs_str_from(found.gl_pathv[i]));
    *ret_n = found.gl_pathc;
    globfree(&found);
    return 0;
}

static bool is_public(void *ctx, struct cs_str path)
{
    struct stat st;

    return stat(path.ptr, &st) == 0 && (st.st_mode & S_IROTH);
}

const struct cs_config_reader cs_build_reader = {config_read, config_glob, NULL, is_public};
