/*
 * Consent: what the person who runs the program sees, and is asked, before something that costs money or cannot be undone.
 */
#ifndef JOURNEY_CONSENT_H
#define JOURNEY_CONSENT_H

#include "journey/journey.h"

enum consent {
    CONSENT_SILENT,  /* given, and nothing is shown: a rehearsal */
    CONSENT_TOLD,    /* given beforehand, and what is done is shown */
    CONSENT_ASKED,   /* shown, and asked for */
    CONSENT_DRY_RUN, /* shown, and nothing is done */
};

enum consent_answer { CONSENT_YES, CONSENT_STOP, CONSENT_REFUSED };

/*
 * Shows `proposal` (whole lines) and asks `question`, as `consent` says.
 * CONSENT_STOP: it was a dry run. CONSENT_REFUSED: `error` says why (ERR_DECLINED, ERR_INTERRUPTED).
 */
enum consent_answer consent_seek(struct journey *journey, enum consent consent, const char *proposal,
                                 const char *question, struct error *error);

#endif
