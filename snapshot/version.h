// The version of rudo-snap, in one place.

#ifndef SNAPSHOT_VERSION_H
#define SNAPSHOT_VERSION_H

#define RUDO_SNAP_VERSION "0.1.0"

#endif
