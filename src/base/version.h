/*
 * The version, as every program and output states it.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define DUMONT_VERSION "0.1.0"

#endif
