/*
 * Calendar: a moment's parts, in UTC, and their texts in the manner of strftime (C locale).
 */
#ifndef FAKES_HOST_CALENDAR_H
#define FAKES_HOST_CALENDAR_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/units.h"

/* Appends `moment` by a format of % conversions as `date` knows them: %Y %m %d %H %M %S %s %N %F %T %a %b %j %Z and others. */
void calendar_append(struct buffer *out, struct wall_time moment, const char *format);

#endif
