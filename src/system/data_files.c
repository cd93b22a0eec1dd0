#include "system/data_files.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 256 };

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The data folder of an installation, seen from the running program: it may have been moved since it was configured. */
static bool installed_root(char root[FILE_PATH_SIZE])
{
    ssize_t length = readlink("/proc/self/exe", root, FILE_PATH_SIZE - 1);
    if (length <= 0) {
        return false;
    }
    root[length] = '\0';
    char *slash = strrchr(root, '/');
    size_t kept = slash == NULL ? 0 : (size_t)(slash - root);
    return text_copy(root + kept, FILE_PATH_SIZE - kept, "/" DUMONT_DATA_FROM_PROGRAM);
}

enum error_code data_folder(const char *name, char path[FILE_PATH_SIZE], struct error *error)
{
    char beside[FILE_PATH_SIZE] = "";
    bool located = installed_root(beside);
    const char *const roots[] = {beside, DUMONT_SOURCE_DATA, DUMONT_INSTALLED_DATA};
    for (size_t i = located ? 0 : 1; i < ARRAY_LENGTH(roots); i++) {
        if (text_format(path, FILE_PATH_SIZE, "%s/%s", roots[i], name) && is_folder(path)) {
            return ERR_OK;
        }
    }
    return error_set(error, ERR_INPUT_UNREADABLE, "the folder %s is neither in %.80s nor in %.80s nor in %.80s", name,
                     roots[0], roots[1], roots[2]);
}

/* The only file of `folder` whose name begins with `name`; "" when there is none or more than one. */
static void only_match(const char *folder, const char *name, char match[NAME_SIZE], size_t *count)
{
    *count = 0;
    match[0] = '\0';
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        bool json = length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
        if (json && strncmp(entry->d_name, name, strlen(name)) == 0) {
            (*count)++;
            (void)text_copy(match, NAME_SIZE, entry->d_name);
        }
    }
    (void)closedir(directory);
}

static enum error_code find(const char *folder, const char *name, char path[FILE_PATH_SIZE], struct error *error)
{
    if (strchr(name, '/') != NULL || is_file(name)) {
        return text_copy(path, FILE_PATH_SIZE, name) ? ERR_OK
                                                     : error_set(error, ERR_INPUT_UNREADABLE, "the path is too long");
    }
    char root[FILE_PATH_SIZE];
    enum error_code code = data_folder(folder, root, error);
    if (code != ERR_OK) {
        return code;
    }
    static const char *const endings[] = {"", ".json"};
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        if (text_format(path, FILE_PATH_SIZE, "%s/%s%s", root, name, endings[i]) && is_file(path)) {
            return ERR_OK;
        }
    }
    char match[NAME_SIZE];
    size_t count;
    only_match(root, name, match, &count);
    if (count == 1 && text_format(path, FILE_PATH_SIZE, "%s/%s", root, match)) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_INPUT_UNREADABLE, "%s: %s", name,
                    count == 0 ? "no such file, here or among the project's own" : "this name begins several files");
    error_advise(error, "give a path, or a name of %.120s", root);
    return ERR_INPUT_UNREADABLE;
}

enum error_code data_file_read(const char *folder, const char *name, struct buffer *out, struct error *error)
{
    char path[FILE_PATH_SIZE];
    enum error_code code = find(folder, name, path, error);
    return code == ERR_OK ? file_read(path, out, error) : code;
}
