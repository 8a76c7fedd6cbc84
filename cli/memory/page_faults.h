// Page faults of this process, for heaps of which only parts are resident (HeapPager). The handler
// is installed with the first pager. A fault that is in no pager's range ends the process as
// without a handler.

#ifndef CLI_MEMORY_PAGE_FAULTS_H
#define CLI_MEMORY_PAGE_FAULTS_H

#include "snapshot/heap/heap_pager.h"

extern const FaultCatcher page_faults;

#endif
