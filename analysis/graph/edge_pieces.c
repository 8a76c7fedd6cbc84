// EdgePieces: see analysis/graph/edge_pieces_internal.h.

#include "analysis/graph/edge_pieces_internal.h"

#include <sys/mman.h>

bool edge_piece_add_segment(EdgePiece *piece, Error *error)
{
    EdgeSegment *segment =
        mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (segment == MAP_FAILED)
        return error_set_memory(error, SEGMENT_BYTES, "references");
    if (piece->last != NULL)
        piece->last->next = segment;
    else
        piece->first = segment;
    piece->last = segment;
    return true;
}

void edge_piece_release(EdgePiece *piece)
{
    while (piece->first != NULL) {
        EdgeSegment *next = piece->first->next;

        (void)munmap(piece->first, SEGMENT_BYTES);
        piece->first = next;
    }
    piece->last = NULL;
}
