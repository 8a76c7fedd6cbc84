// The LAYO section: a HeapLayout, field by field, and the machine. Encoding and decoding follow one
// table of members.

#include "snapshot/file/sections/sections.h"

#include <string.h>

#include "base/clean_text.h"
#include "snapshot/heap/snapshot_machine.h"

typedef enum MemberKind {
    MEMBER_U32,
    MEMBER_U64,
    MEMBER_FIELD, // LayoutField: u16 offset, u16 width
} MemberKind;

typedef struct Member {
    MemberKind kind;
    size_t offset; // in HeapLayout
} Member;

#define U32(name)                                                                                  \
    {                                                                                              \
        MEMBER_U32, offsetof(HeapLayout, name)                                                     \
    }
#define U64(name)                                                                                  \
    {                                                                                              \
        MEMBER_U64, offsetof(HeapLayout, name)                                                     \
    }
#define FIELD(name)                                                                                \
    {                                                                                              \
        MEMBER_FIELD, offsetof(HeapLayout, name)                                                   \
    }

// In the order of the file, behind the name. Later minor versions may only add to the end.
static const Member members[] = {
    U32(page_size),
    U32(page_header_bytes),
    U64(magic_value),
    FIELD(magic),
    FIELD(block_size),
    FIELD(object_count),
    FIELD(header_size),
    FIELD(generation),
    FIELD(flags),
    FIELD(owner_thread),
    FIELD(dead_count),
    FIELD(free_list_head),
    U32(mark_bitmap),
    U32(dirty_bitmap),
    U32(allocated_bitmap),
    U32(bitmap_words),
    U32(min_block_size),
    U32(max_block_size),
    U32(large_header_alignment),
    U32(max_generation),
    U64(min_owner_thread),
    U64(max_owner_thread),
    U64(free_list_none),
    U32(flag_large),
    U32(flag_orphan),
    U32(flag_needs_sweep),
    U32(flag_all_dead),
    U32(flag_dirty_listed),
    U32(object_header_bytes),
    FIELD(reference_count),
    FIELD(weak_count),
    U64(dead_bit),
    U64(under_construction_bit),
    U64(old_bit),
    FIELD(drop_function),
    FIELD(type_word),
    FIELD(dropping),
    FIELD(object_generation),
    U32(free_link_bytes),
    // Since format 1.2, and only where one of them is not 0 or the machine follows.
    U32(block_size_step),
    U32(first_slot_step),
};

#define MEMBER_COUNT (sizeof members / sizeof members[0])
#define FIRST_MEMBERS (MEMBER_COUNT - 2)

static bool has_steps(const HeapLayout *layout)
{
    return layout->block_size_step != 0 || layout->first_slot_step != 0;
}

void section_encode_layout(ByteBuffer *buffer, const HeapLayout *layout, uint32_t machine)
{
    bool has_machine = snapshot_machine_number(machine) != SNAPSHOT_MACHINE_X86_64;
    bool has_all = has_machine || has_steps(layout);
    char name[sizeof layout->name] = "";

    // Without the bytes behind the name's end.
    memcpy(name, layout->name, strnlen(layout->name, sizeof name - 1));
    text_clean(name, strlen(name), TEXT_ONE_LINE);
    byte_buffer_add(buffer, name, sizeof name);
    for (size_t i = 0; i < (has_all ? MEMBER_COUNT : FIRST_MEMBERS); i++) {
        const void *member = (const char *)layout + members[i].offset;
        if (members[i].kind == MEMBER_U32) {
            byte_buffer_add_u32(buffer, *(const uint32_t *)member);
        } else if (members[i].kind == MEMBER_U64) {
            byte_buffer_add_u64(buffer, *(const uint64_t *)member);
        } else {
            const LayoutField *field = member;
            byte_buffer_add_u16(buffer, field->offset);
            byte_buffer_add_u16(buffer, field->width);
        }
    }
    if (has_machine)
        byte_buffer_add_u32(buffer, machine);
}

bool section_decode_layout(ByteCursor *cursor, HeapLayout *layout, uint32_t *machine, Error *error)
{
    const uint8_t *name = byte_cursor_take(cursor, sizeof layout->name);

    memset(layout, 0, sizeof *layout);
    if (name != NULL)
        memcpy(layout->name, name, sizeof layout->name);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        void *member = (char *)layout + members[i].offset;
        if (i >= FIRST_MEMBERS && byte_cursor_left(cursor) == 0)
            break;
        if (members[i].kind == MEMBER_U32) {
            *(uint32_t *)member = byte_cursor_u32(cursor);
        } else if (members[i].kind == MEMBER_U64) {
            *(uint64_t *)member = byte_cursor_u64(cursor);
        } else {
            LayoutField *field = member;
            field->offset = byte_cursor_u16(cursor);
            field->width = byte_cursor_u16(cursor);
        }
    }
    *machine = byte_cursor_left(cursor) > 0 ? byte_cursor_u32(cursor) : 0;
    if (cursor->is_short)
        return error_set(error, ERROR_CORRUPT, "the heap layout ends early");
    if (!text_is_clean(layout->name, strnlen(layout->name, sizeof layout->name), TEXT_ONE_LINE))
        return error_set(error, ERROR_CORRUPT, "the name of the heap layout is not clean UTF-8");
    return heap_layout_check(layout, error);
}
