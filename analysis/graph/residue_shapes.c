// The shapes of blocks, for ResidueSearch: see analysis/graph/residue_search_internal.h.

#include <stdlib.h>

#include "analysis/graph/residue_search_internal.h"
#include "base/array.h"

bool residue_shapes_add(const ResidueSearch *search, ResiduePiece *piece, NodeWords words,
                        uint64_t at, Error *error)
{
    BufferShape shape;

    if (!buffer_shape_read(search->image, words, at, &shape))
        return true;
    if (!array_reserve(&piece->shapes, &piece->shape_capacity, piece->shape_count + 1, sizeof shape,
                       "shapes of buffers", error))
        return false;
    piece->shapes[piece->shape_count++] = shape;
    return true;
}

// Headers that disagree about a block say nothing about it.
bool residue_shapes_take(ResidueSearch *search, Error *error)
{
    uint64_t whole = 0, count = 0;

    for (uint64_t i = 0; i < search->piece_count; i++)
        whole += search->pieces[i].shape_count;
    search->shapes = malloc((whole + 1) * sizeof *search->shapes);
    search->block_shapes =
        calloc(search->image->block_count + UINT64_C(1), sizeof *search->block_shapes);
    if (search->shapes == NULL || search->block_shapes == NULL)
        return error_set_memory(error, whole * sizeof *search->shapes, "shapes of buffers");
    for (uint64_t i = 0; i < search->piece_count; i++)
        for (uint64_t j = 0; j < search->pieces[i].shape_count; j++) {
            const BufferShape *shape = &search->pieces[i].shapes[j];
            uint32_t *index = &search->block_shapes[shape->block];

            if (*index == 0 && count < UINT32_MAX) {
                search->shapes[count] = *shape;
                *index = (uint32_t)++count;
            } else if (*index != 0 && !buffer_shape_is_same(&search->shapes[*index - 1], shape)) {
                search->shapes[*index - 1].kind = BUFFER_UNSURE;
            }
        }
    for (uint64_t i = 0; i < count; i++)
        if (!buffer_shape_holds(search->image, &search->shapes[i]))
            search->shapes[i].kind = BUFFER_UNSURE;
    return true;
}

BufferShape *residue_shapes_find(const ResidueSearch *search, uint32_t block)
{
    uint32_t index = search->block_shapes[block];

    return index == 0 ? NULL : &search->shapes[index - 1];
}

const BufferShape *residue_search_shape(const ResidueSearch *search, const ResidueWord *place)
{
    return place->page == NO_INDEX ? residue_shapes_find(search, place->slot_or_block) : NULL;
}

void residue_shapes_tell_vector(const ResidueSearch *search, BufferShape *shape, NodeWords words)
{
    for (uint64_t i = 0; i < words.count; i++)
        if (buffer_shape_is_left_over(search->image, shape, words.offset + 8 * i, READ_AS_VECTOR) &&
            residue_search_refers_to_object(search, load_u64(words.bytes + 8 * i)))
            return;
    shape->second = UINT64_MAX;
}
