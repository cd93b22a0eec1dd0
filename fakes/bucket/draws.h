/*
 * Draws: what the object store draws at random, as the `entity` of RANDOM_BUCKET. Numbered for ever.
 */
#ifndef FAKES_BUCKET_DRAWS_H
#define FAKES_BUCKET_DRAWS_H

enum bucket_draw {
    BUCKET_DRAW_LEVELS = 1,
    BUCKET_DRAW_BUCKET_ID = 2,
    BUCKET_DRAW_FILE_ID = 3,
    BUCKET_DRAW_TOKEN = 4,
    BUCKET_DRAW_KEY = 5,
    BUCKET_DRAW_ACCOUNT = 6,
    BUCKET_DRAW_UPLOAD_FAILS = 7,
    BUCKET_DRAW_TOKEN_EXPIRES = 8,
};

#endif
