#include "world/file.h"

#include "world/world.h"

enum { DIGEST_STEP_BYTES = 256 * 1024, STEPS_WITHOUT_REST = 8 };

enum error_code world_file_open(struct world *world, const char *path, enum world_file_use use, struct world_file *file,
                                struct error *error)
{
    *file = (struct world_file){NULL};
    if (world->operations->files == NULL) {
        return error_set(error, ERR_NOT_AVAILABLE, "this world has no files");
    }
    return world->operations->files->open(world, path, use, file, error);
}

void world_file_close(struct world *world, struct world_file *file)
{
    if (file->opened != NULL) {
        world->operations->files->close(world, file);
        file->opened = NULL;
    }
}

enum error_code world_file_look(struct world *world, struct world_file *file, struct world_file_facts *facts,
                                struct error *error)
{
    return world->operations->files->look(file, facts, error);
}

enum error_code world_file_read(struct world *world, struct world_file *file, int64_t offset, void *out, size_t size,
                                size_t *got, struct error *error)
{
    return world->operations->files->read(file, offset, out, size, got, error);
}

enum error_code world_file_write(struct world *world, struct world_file *file, int64_t offset, const void *bytes,
                                 size_t size, struct error *error)
{
    return world->operations->files->write(file, offset, bytes, size, error);
}

enum error_code world_file_resize(struct world *world, struct world_file *file, int64_t size, struct error *error)
{
    return world->operations->files->resize(file, size, error);
}

enum error_code world_file_stamp(struct world *world, struct world_file *file, const struct world_file_facts *facts,
                                 struct error *error)
{
    return world->operations->files->stamp(file, facts, error);
}

enum error_code world_file_sync(struct world *world, struct world_file *file, struct error *error)
{
    return world->operations->files->sync(file, error);
}

enum error_code world_file_rename(struct world *world, const char *from, const char *to, struct error *error)
{
    return world->operations->files->rename(world, from, to, error);
}

void world_file_remove(struct world *world, const char *path)
{
    world->operations->files->remove(world, path);
}

/* ---- Digests ------------------------------------------------------------------------------------------------------------ */

/* A pass over a range. */
struct pass {
    struct world *world;
    struct world_file *file;
    enum digest_kind kind;
    struct digest whole;
    struct digest piece;
    const struct world_file_pieces *pieces; /* NULL: nobody wants them */
    int64_t in_piece;                       /* bytes of the piece under way */
    int64_t ended;                          /* pieces so far */
    char *chunk;
    bool failed; /* a digest had no memory */
};

static void end_piece(struct pass *pass)
{
    char hex[DIGEST_HEX_SIZE];
    bool whole = digest_finish(&pass->piece, hex);
    pass->failed = pass->failed || !whole;
    pass->pieces->tell(pass->pieces->context, pass->ended, hex);
    pass->ended++;
    pass->in_piece = 0;
}

static void add(struct pass *pass, const char *bytes, int64_t size)
{
    digest_add(&pass->whole, bytes, (size_t)size);
    while (pass->pieces != NULL && size > 0) {
        if (pass->in_piece == 0) {
            pass->failed = !digest_start(&pass->piece, pass->world->heap, pass->kind) || pass->failed;
        }
        int64_t room = pass->pieces->bytes - pass->in_piece;
        int64_t taken = size < room ? size : room;
        digest_add(&pass->piece, bytes, (size_t)taken);
        pass->in_piece += taken;
        bytes += taken;
        size -= taken;
        if (pass->in_piece == pass->pieces->bytes) {
            end_piece(pass);
        }
    }
}

/* Lets others run. */
static enum error_code rest(struct pass *pass, struct error *error)
{
    enum error_code code = world_sleep_until(pass->world, world_now_ns(pass->world));
    return code == ERR_OK ? code : error_set(error, code, "%s", error_sentence(code));
}

static enum error_code read_all(struct pass *pass, struct world_file_range range, struct error *error)
{
    enum error_code code = ERR_OK;
    int steps = 0;
    while (range.length > 0 && code == ERR_OK) {
        size_t wanted = range.length < DIGEST_STEP_BYTES ? (size_t)range.length : (size_t)DIGEST_STEP_BYTES;
        size_t got = 0;
        code = world_file_read(pass->world, pass->file, range.offset, pass->chunk, wanted, &got, error);
        if (code == ERR_OK && got == 0) {
            code = error_set(error, ERR_INPUT_UNREADABLE, "the file is shorter than it was");
        }
        add(pass, pass->chunk, (int64_t)got);
        range.offset += (int64_t)got;
        range.length -= (int64_t)got;
        if (code == ERR_OK && ++steps % STEPS_WITHOUT_REST == 0) {
            code = rest(pass, error);
        }
    }
    if (pass->in_piece > 0) {
        end_piece(pass);
    }
    return code;
}

enum error_code world_file_digest(struct world *world, struct world_file *file, struct world_file_range range,
                                  enum digest_kind kind, const struct world_file_pieces *pieces,
                                  char hex[DIGEST_HEX_SIZE], struct error *error)
{
    struct pass pass = {.world = world,
                        .file = file,
                        .kind = kind,
                        .pieces = pieces,
                        .chunk = heap_alloc(world->heap, DIGEST_STEP_BYTES)};
    pass.failed = !digest_start(&pass.whole, world->heap, kind) || pass.chunk == NULL;
    enum error_code code = ERR_OK;
    if (!pass.failed) {
        code = read_all(&pass, range, error);
    }
    pass.failed = !digest_finish(&pass.whole, hex) || pass.failed;
    heap_release(world->heap, pass.chunk);
    if (code == ERR_OK && pass.failed) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a digest");
    }
    return code;
}
