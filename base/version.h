// The version of rudo-snap, in one place.

#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define RUDO_SNAP_VERSION "0.1.0"

#endif
