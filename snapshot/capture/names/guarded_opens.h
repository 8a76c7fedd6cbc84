// Files that libraries open by themselves in a GuardedChild, checked like ours (checked_file.h).

#ifndef SNAPSHOT_CAPTURE_NAMES_GUARDED_OPENS_H
#define SNAPSHOT_CAPTURE_NAMES_GUARDED_OPENS_H

// From now on, each open() of this process without O_NONBLOCK opens a regular file inside the
// folder `root`, a descriptor, for reading, or fails. Where this cannot be had, nothing changes.
void guarded_opens_begin(int root);

#endif
