#include "tracking/git_head.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>

enum { SMALL_FILE = 1 << 16, PACKED_REFS = 64 << 20, REF_DEPTH = 5 };

/* Where the repository's files are: a work tree of several has its own HEAD and shares the rest. */
typedef struct git_dirs {
    char *own, *common;
    bool starved; /* something is not there for want of memory */
} git_dirs;

/* What was made, or NULL. */
static char *made(git_dirs *dirs, char *text)
{
    dirs->starved = dirs->starved || !text;
    return text;
}

/* The file's text, NULL if it cannot be read. */
static char *read_text(git_dirs *dirs, const char *dir, const char *name, size_t limit)
{
    mlp_buf text = {0};
    char *path = made(dirs, mlp_file_join(dir, name));
    mlplat_status s = path ? mlp_file_read(path, limit, &text, NULL) : MLPLAT_NO_MEMORY;
    mlp_free(path);
    if (s == MLPLAT_OK)
        return made(dirs, mlp_buf_take(&text));
    dirs->starved = dirs->starved || s == MLPLAT_NO_MEMORY;
    mlp_buf_free(&text);
    return NULL;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = 0;
    return s;
}

/* path, seen from dir. */
static char *path_from(git_dirs *dirs, const char *dir, const char *path)
{
    char *joined = *path == '/' ? mlp_strdup(path) : mlp_file_join(dir, path);
    char *out = made(dirs, joined ? mlp_file_absolute(joined) : NULL);
    mlp_free(joined);
    return out;
}

/* ".git" is a folder, or in linked work trees and submodules a file "gitdir: <folder>". */
static char *own_dir(git_dirs *dirs, const char *folder)
{
    char *git = mlp_file_join(folder, ".git"), *head = made(dirs, git ? mlp_file_join(git, "HEAD") : NULL), *out = NULL;
    if (head && mlp_file_exists(head)) {
        out = git;
        git = NULL;
    } else if (git && mlp_file_exists(git)) {
        char *link = read_text(dirs, folder, ".git", SMALL_FILE);
        if (link && mlp_text_starts(link, "gitdir:"))
            out = path_from(dirs, folder, trim(link + 7));
        mlp_free(link);
    }
    mlp_free(head);
    mlp_free(git);
    return out;
}

static void find_dirs(const char *folder, git_dirs *out)
{
    char *at = made(out, mlp_strdup(folder));
    while (at && !out->own) {
        char *slash = strrchr(at, '/');
        out->own = own_dir(out, at);
        if (!slash || !at[1])
            break;
        slash[slash == at] = 0; /* the parent of "/x" is "/" */
    }
    mlp_free(at);
    if (!out->own)
        return;
    char *common = read_text(out, out->own, "commondir", SMALL_FILE);
    out->common = common ? path_from(out, out->own, trim(common)) : made(out, mlp_strdup(out->own));
    mlp_free(common);
}

static bool is_commit(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");
    return !s[n] && (n == 40 || n == 64);
}

/* Finds "<commit> <ref>" among the packed ones. */
static char *packed_ref(git_dirs *dirs, const char *ref)
{
    char *text = read_text(dirs, dirs->common, "packed-refs", PACKED_REFS), *found = NULL;
    for (char *line = text, *next; line && *line && !found; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = 0;
        char *space = strchr(line, ' ');
        if (!space || *line == '#' || strcmp(trim(space + 1), ref) != 0)
            continue;
        *space = 0;
        found = is_commit(line) ? made(dirs, mlp_strdup(line)) : NULL;
    }
    mlp_free(text);
    return found;
}

/* No name from a repository leads out of it. */
static bool safe_ref(const char *ref)
{
    return mlp_text_starts(ref, "refs/") && mlp_file_check_relative(ref, "ref", NULL) == MLPLAT_OK;
}

/* The commit that a ref stands for; symbolic ones are followed. NULL: none. */
static char *ref_commit(git_dirs *dirs, const char *first)
{
    char *ref = made(dirs, mlp_strdup(first)), *commit = NULL;
    for (int depth = 0; ref && !commit && depth < REF_DEPTH && safe_ref(ref); depth++) {
        char *text = read_text(dirs, dirs->own, ref, SMALL_FILE);
        if (!text)
            text = read_text(dirs, dirs->common, ref, SMALL_FILE);
        char *value = text ? trim(text) : NULL;
        if (!value) {
            commit = packed_ref(dirs, ref);
            mlp_free(ref);
            ref = NULL;
        } else if (is_commit(value)) {
            commit = made(dirs, mlp_strdup(value));
        } else {
            mlp_free(ref);
            ref = mlp_text_starts(value, "ref:") ? made(dirs, mlp_strdup(trim(value + 4))) : NULL;
        }
        mlp_free(text);
    }
    mlp_free(ref);
    return commit;
}

/* "https://user:token@host/path" without "user:token@"; "git@host:path" has no scheme and stays. */
static void strip_userinfo(char *url)
{
    char *host = strstr(url, "://");
    if (!host)
        return;
    host += 3;
    char *end = host + strcspn(host, "/?#"), *at = NULL;
    for (char *p = host; p < end; p++)
        at = *p == '@' ? p : at;
    if (at)
        memmove(host, at + 1, strlen(at + 1) + 1);
}

/* The value of "url = ..." : quotes and escapes of git's config, a comment ends it. */
static char *config_value(const char *at)
{
    mlp_buf out = {0};
    bool quoted = false;
    size_t keep = 0; /* blanks at the end do not count unless quoted */
    for (; *at && (quoted || (*at != '#' && *at != ';')); at++) {
        if (*at == '"') {
            quoted = !quoted;
            continue;
        }
        if (*at == '\\' && at[1])
            at++;
        mlp_buf_putc(&out, *at);
        if (quoted || !isspace((unsigned char)*at))
            keep = out.size;
    }
    if (out.data && keep < out.size)
        out.data[keep] = 0;
    return mlp_buf_take(&out);
}

/* url of the first [remote "..."] section that has one. */
static char *remote_url(git_dirs *dirs)
{
    char *text = read_text(dirs, dirs->common, "config", SMALL_FILE * 16), *url = NULL;
    bool in_remote = false;
    for (char *line = text, *next; line && *line && !url; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = 0;
        line = trim(line);
        if (*line == '[')
            in_remote = strncasecmp(line, "[remote ", 8) == 0;
        if (!in_remote || strncasecmp(line, "url", 3) != 0)
            continue;
        char *value = line + 3 + strspn(line + 3, " \t");
        if (*value == '=')
            url = made(dirs, config_value(value + 1 + strspn(value + 1, " \t")));
    }
    mlp_free(text);
    if (url)
        strip_userinfo(url);
    return url;
}

mlplat_status mlp_git_head_read(const char *folder, mlp_git_head *out, mlplat_error *err)
{
    git_dirs dirs = {0};
    find_dirs(folder, &dirs);
    char *text = dirs.own && dirs.common ? read_text(&dirs, dirs.own, "HEAD", SMALL_FILE) : NULL;
    char *head = text ? trim(text) : NULL;
    if (head && is_commit(head)) {
        out->commit = made(&dirs, mlp_strdup(head));
    } else if (head && mlp_text_starts(head, "ref:")) {
        const char *ref = trim(head + 4);
        out->commit = ref_commit(&dirs, ref);
        if (out->commit && mlp_text_starts(ref, "refs/heads/"))
            out->branch = made(&dirs, mlp_strdup(ref + strlen("refs/heads/")));
    }
    if (out->commit)
        out->url = remote_url(&dirs);
    mlp_free(text);
    mlp_free(dirs.own);
    mlp_free(dirs.common);
    return dirs.starved ? mlp_fail_memory(err) : MLPLAT_OK;
}

void mlp_git_head_free(mlp_git_head *head)
{
    mlp_free(head->commit);
    mlp_free(head->branch);
    mlp_free(head->url);
    *head = (mlp_git_head){0};
}
