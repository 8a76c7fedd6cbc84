// BoehmLayout: see snapshot/capture/boehm/boehm_layouts.h.
//
// The offsets come from the debug information of the tagged releases 7.2 to 8.2.12, each built for
// x86-64 with threads as Debian does, with LARGE_CONFIG, and without threads; before 8.0 with and
// without the two options below. Builds with the same offsets are one row.

#include "snapshot/capture/boehm/boehm_layouts.h"

#include <stddef.h>

// Rows of the versions before 8.0, of which builds differ by two options. ATOMIC_UNCOLLECTABLE, the
// default of configure, adds the free lists of a kind; it is always there from 7.6 on. Without
// USE_MUNMAP, the default, a word is missing, and the table of the heap's sections is larger.
//
// shift: of all behind that; more: of all behind the table; more_large: with LARGE_CONFIG.
#define LISTS_OF_A_KIND 1032
#define UNMAPPED_BYTES 8
#define MORE_SECTIONS 65536, 524288

// clang-format off
#define ROWS_7_2_TO_7_4(others, shift, more, more_large) \
    {"7.2, no threads" others, \
     .bytes = 132312 + (shift) + (more), .large_free = 40, .all_nils = 115920 + (shift) + (more), .top_index = 115928 + (shift) + (more), \
     .valid_offsets = 21192 + (shift), .normal_lists = 648, .atomic_lists = 1680, .root_sets = 41680 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107216 + (shift) + (more), .exclusions = 107728 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 32}, \
    {"7.2, threads" others, \
     .bytes = 132312 + (shift) + (more), .large_free = 40, .all_nils = 115920 + (shift) + (more), .top_index = 115928 + (shift) + (more), \
     .valid_offsets = 21192 + (shift), .normal_lists = 648, .atomic_lists = 1680, .root_sets = 41680 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107216 + (shift) + (more), .exclusions = 107728 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 32, .thread_bytes = 664, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 600}, \
    {"7.2, threads, LARGE_CONFIG" others, \
     .bytes = 468184 + (shift) + (more_large), .large_free = 40, .all_nils = 451792 + (shift) + (more_large), .top_index = 451800 + (shift) + (more_large), \
     .valid_offsets = 21192 + (shift), .normal_lists = 648, .atomic_lists = 1680, .root_sets = 156368 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 418512 + (shift) + (more_large), .exclusions = 419024 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 32, .thread_bytes = 664, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 600}, \
    {"7.2u, no threads" others, \
     .bytes = 132336 + (shift) + (more), .large_free = 40, .all_nils = 115944 + (shift) + (more), .top_index = 115952 + (shift) + (more), \
     .valid_offsets = 21216 + (shift), .normal_lists = 672, .atomic_lists = 1704, .root_sets = 41704 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107240 + (shift) + (more), .exclusions = 107752 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 32}, \
    {"7.2u, threads" others, \
     .bytes = 132336 + (shift) + (more), .large_free = 40, .all_nils = 115944 + (shift) + (more), .top_index = 115952 + (shift) + (more), \
     .valid_offsets = 21216 + (shift), .normal_lists = 672, .atomic_lists = 1704, .root_sets = 41704 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107240 + (shift) + (more), .exclusions = 107752 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 32, .thread_bytes = 664, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 600}, \
    {"7.2u, threads, LARGE_CONFIG" others, \
     .bytes = 468208 + (shift) + (more_large), .large_free = 40, .all_nils = 451816 + (shift) + (more_large), .top_index = 451824 + (shift) + (more_large), \
     .valid_offsets = 21216 + (shift), .normal_lists = 672, .atomic_lists = 1704, .root_sets = 156392 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 418536 + (shift) + (more_large), .exclusions = 419048 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 32, .thread_bytes = 664, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 600}, \
    {"7.4.0 to 7.4.32, no threads" others, \
     .bytes = 132320 + (shift) + (more), .large_free = 32, .all_nils = 115928 + (shift) + (more), .top_index = 115936 + (shift) + (more), \
     .valid_offsets = 21200 + (shift), .normal_lists = 656, .atomic_lists = 1688, .root_sets = 41688 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107224 + (shift) + (more), .exclusions = 107736 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48}, \
    {"7.4.0 to 7.4.32, threads" others, \
     .bytes = 132320 + (shift) + (more), .large_free = 32, .all_nils = 115928 + (shift) + (more), .top_index = 115936 + (shift) + (more), \
     .valid_offsets = 21200 + (shift), .normal_lists = 656, .atomic_lists = 1688, .root_sets = 41688 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 107224 + (shift) + (more), .exclusions = 107736 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48, .thread_bytes = 864, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 800}, \
    {"7.4.0 to 7.4.32, threads, LARGE_CONFIG" others, \
     .bytes = 468192 + (shift) + (more_large), .large_free = 32, .all_nils = 451800 + (shift) + (more_large), .top_index = 451808 + (shift) + (more_large), \
     .valid_offsets = 21200 + (shift), .normal_lists = 656, .atomic_lists = 1688, .root_sets = 156376 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 418520 + (shift) + (more_large), .exclusions = 419032 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 48, .thread_bytes = 864, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 64, \
     .thread_list_bytes = 800}

#define ROWS_7_6(others, shift, more, more_large) \
    {"7.6.0 to 7.6.20, no threads" others, \
     .bytes = 133352 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116968 + (shift) + (more), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 43240 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 696 + (shift), .exclusions = 108776 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48}, \
    {"7.6.0, threads" others, \
     .bytes = 133352 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116968 + (shift) + (more), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 43240 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 696 + (shift), .exclusions = 108776 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48, .thread_bytes = 896, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 96, \
     .thread_list_bytes = 800}, \
    {"7.6.0, threads, LARGE_CONFIG" others, \
     .bytes = 469224 + (shift) + (more_large), .large_free = 32, .all_nils = 168 + (shift), .top_index = 452840 + (shift) + (more_large), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 157928 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 696 + (shift), .exclusions = 420072 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 48, .thread_bytes = 896, .thread_flags = 32, .thread_blocked = 33, \
     .thread_stack_pointer = 24, .thread_stack_end = 40, .thread_lists = 96, \
     .thread_list_bytes = 800}, \
    {"7.6.2 to 7.6.14, threads" others, \
     .bytes = 133352 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116968 + (shift) + (more), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 43240 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 696 + (shift), .exclusions = 108776 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}, \
    {"7.6.2 to 7.6.14, threads, LARGE_CONFIG" others, \
     .bytes = 469224 + (shift) + (more_large), .large_free = 32, .all_nils = 168 + (shift), .top_index = 452840 + (shift) + (more_large), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 157928 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 696 + (shift), .exclusions = 420072 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}, \
    {"7.6.16 to 7.6.20, threads" others, \
     .bytes = 133352 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116968 + (shift) + (more), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 43240 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 696 + (shift), .exclusions = 108776 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}, \
    {"7.6.16 to 7.6.20, threads, LARGE_CONFIG" others, \
     .bytes = 469224 + (shift) + (more_large), .large_free = 32, .all_nils = 168 + (shift), .top_index = 452840 + (shift) + (more_large), \
     .valid_offsets = 22760 + (shift), .normal_lists = 1208 + (shift), .atomic_lists = 2240 + (shift), .root_sets = 157928 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 696 + (shift), .exclusions = 420072 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}, \
    {"7.6.22 to 7.6.26, no threads" others, \
     .bytes = 133360 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116976 + (shift) + (more), \
     .valid_offsets = 22768 + (shift), .normal_lists = 1216 + (shift), .atomic_lists = 2248 + (shift), .root_sets = 43248 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 704 + (shift), .exclusions = 108784 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48}, \
    {"7.6.22 to 7.6.26, threads" others, \
     .bytes = 133360 + (shift) + (more), .large_free = 32, .all_nils = 168 + (shift), .top_index = 116976 + (shift) + (more), \
     .valid_offsets = 22768 + (shift), .normal_lists = 1216 + (shift), .atomic_lists = 2248 + (shift), .root_sets = 43248 + (shift) + (more), \
     .root_set_bytes = 65536, .root_hash = 704 + (shift), .exclusions = 108784 + (shift) + (more), .exclusion_bytes = 8192, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}, \
    {"7.6.22 to 7.6.26, threads, LARGE_CONFIG" others, \
     .bytes = 469232 + (shift) + (more_large), .large_free = 32, .all_nils = 168 + (shift), .top_index = 452848 + (shift) + (more_large), \
     .valid_offsets = 22768 + (shift), .normal_lists = 1216 + (shift), .atomic_lists = 2248 + (shift), .root_sets = 157936 + (shift) + (more_large), \
     .root_set_bytes = 262144, .root_hash = 704 + (shift), .exclusions = 420080 + (shift) + (more_large), .exclusion_bytes = 32768, \
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41, \
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104, \
     .thread_list_bytes = 800}

// MORE_SECTIONS is two arguments.
#define ROWS_WITHOUT_MUNMAP(rows, ...) rows(__VA_ARGS__)

static const BoehmLayout layouts[] = {
    ROWS_7_2_TO_7_4("", 0, 0, 0),
    ROWS_7_2_TO_7_4(", ATOMIC_UNCOLLECTABLE", LISTS_OF_A_KIND, 0, 0),
    ROWS_7_6("", 0, 0, 0),
    ROWS_WITHOUT_MUNMAP(ROWS_7_2_TO_7_4, ", no munmap", -UNMAPPED_BYTES, MORE_SECTIONS),
    ROWS_WITHOUT_MUNMAP(ROWS_7_2_TO_7_4, ", ATOMIC_UNCOLLECTABLE, no munmap",
                        LISTS_OF_A_KIND - UNMAPPED_BYTES, MORE_SECTIONS),
    ROWS_WITHOUT_MUNMAP(ROWS_7_6, ", no munmap", -UNMAPPED_BYTES, MORE_SECTIONS),
    {"8.0.0 to 8.0.4, no threads",
     .bytes = 198888, .large_free = 32, .all_nils = 168, .top_index = 182504,
     .valid_offsets = 22760, .normal_lists = 1208, .atomic_lists = 2240, .root_sets = 108776,
     .root_set_bytes = 65536, .root_hash = 696, .exclusions = 174312, .exclusion_bytes = 8192,
     .kind_bytes = 48},
    {"8.0.0 to 8.0.4, threads",
     .bytes = 198888, .large_free = 32, .all_nils = 168, .top_index = 182504,
     .valid_offsets = 22760, .normal_lists = 1208, .atomic_lists = 2240, .root_sets = 108776,
     .root_set_bytes = 65536, .root_hash = 696, .exclusions = 174312, .exclusion_bytes = 8192,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.0 to 8.0.4, threads, LARGE_CONFIG",
     .bytes = 2173160, .large_free = 32, .all_nils = 168, .top_index = 2156776,
     .valid_offsets = 22760, .normal_lists = 1208, .atomic_lists = 2240, .root_sets = 1861864,
     .root_set_bytes = 262144, .root_hash = 696, .exclusions = 2124008, .exclusion_bytes = 32768,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.6 to 8.0.12, no threads",
     .bytes = 198896, .large_free = 32, .all_nils = 176, .top_index = 182512,
     .valid_offsets = 22768, .normal_lists = 1216, .atomic_lists = 2248, .root_sets = 108784,
     .root_set_bytes = 65536, .root_hash = 704, .exclusions = 174320, .exclusion_bytes = 8192,
     .kind_bytes = 48},
    {"8.0.6, threads",
     .bytes = 198896, .large_free = 32, .all_nils = 176, .top_index = 182512,
     .valid_offsets = 22768, .normal_lists = 1216, .atomic_lists = 2248, .root_sets = 108784,
     .root_set_bytes = 65536, .root_hash = 704, .exclusions = 174320, .exclusion_bytes = 8192,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.6, threads, LARGE_CONFIG",
     .bytes = 2173168, .large_free = 32, .all_nils = 176, .top_index = 2156784,
     .valid_offsets = 22768, .normal_lists = 1216, .atomic_lists = 2248, .root_sets = 1861872,
     .root_set_bytes = 262144, .root_hash = 704, .exclusions = 2124016, .exclusion_bytes = 32768,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.8 to 8.0.12, threads",
     .bytes = 198896, .large_free = 32, .all_nils = 176, .top_index = 182512,
     .valid_offsets = 22768, .normal_lists = 1216, .atomic_lists = 2248, .root_sets = 108784,
     .root_set_bytes = 65536, .root_hash = 704, .exclusions = 174320, .exclusion_bytes = 8192,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.8 to 8.0.12, threads, LARGE_CONFIG",
     .bytes = 2173168, .large_free = 32, .all_nils = 176, .top_index = 2156784,
     .valid_offsets = 22768, .normal_lists = 1216, .atomic_lists = 2248, .root_sets = 1861872,
     .root_set_bytes = 262144, .root_hash = 704, .exclusions = 2124016, .exclusion_bytes = 32768,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.14 to 8.0.18, no threads",
     .bytes = 198904, .large_free = 32, .all_nils = 176, .top_index = 182520,
     .valid_offsets = 22776, .normal_lists = 1224, .atomic_lists = 2256, .root_sets = 108792,
     .root_set_bytes = 65536, .root_hash = 712, .exclusions = 174328, .exclusion_bytes = 8192,
     .kind_bytes = 48},
    {"8.0.14 to 8.0.18, threads",
     .bytes = 198904, .large_free = 32, .all_nils = 176, .top_index = 182520,
     .valid_offsets = 22776, .normal_lists = 1224, .atomic_lists = 2256, .root_sets = 108792,
     .root_set_bytes = 65536, .root_hash = 712, .exclusions = 174328, .exclusion_bytes = 8192,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.0.14 to 8.0.18, threads, LARGE_CONFIG",
     .bytes = 2173176, .large_free = 32, .all_nils = 176, .top_index = 2156792,
     .valid_offsets = 22776, .normal_lists = 1224, .atomic_lists = 2256, .root_sets = 1861880,
     .root_set_bytes = 262144, .root_hash = 712, .exclusions = 2124024, .exclusion_bytes = 32768,
     .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40, .thread_blocked = 41,
     .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.0, no threads",
     .bytes = 182752, .large_free = 24, .all_nils = 200, .top_index = 166368,
     .valid_offsets = 23000, .normal_lists = 1448, .atomic_lists = 2480, .root_sets = 92640,
     .root_set_bytes = 65536, .root_hash = 936, .exclusions = 158176, .exclusion_bytes = 8192,
     .root_set_count = 372, .exclusion_count = 376, .heap_sections = 92632,
     .heap_section_count = 248, .mark_state = 224, .descriptors = 408, .descriptor_count = 400,
     .links = 272, .finalizers = 320, .finalizer_log = 336, .finalizer_count = 264,
     .finalize_now = 328, .kind_bytes = 48},
    {"8.2.0, threads",
     .bytes = 182776, .large_free = 24, .all_nils = 200, .top_index = 166392,
     .valid_offsets = 23024, .normal_lists = 1472, .atomic_lists = 2504, .root_sets = 92664,
     .root_set_bytes = 65536, .root_hash = 960, .exclusions = 158200, .exclusion_bytes = 8192,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 92656,
     .heap_section_count = 264, .mark_state = 240, .descriptors = 432, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.0, threads, LARGE_CONFIG",
     .bytes = 862712, .large_free = 24, .all_nils = 200, .top_index = 846328,
     .valid_offsets = 23024, .normal_lists = 1472, .atomic_lists = 2504, .root_sets = 551416,
     .root_set_bytes = 262144, .root_hash = 960, .exclusions = 813560, .exclusion_bytes = 32768,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 551408,
     .heap_section_count = 264, .mark_state = 240, .descriptors = 432, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 24, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.2 to 8.2.6, no threads",
     .bytes = 182744, .large_free = 24, .all_nils = 192, .top_index = 166360,
     .valid_offsets = 22992, .normal_lists = 1440, .atomic_lists = 2472, .root_sets = 92632,
     .root_set_bytes = 65536, .root_hash = 928, .exclusions = 158168, .exclusion_bytes = 8192,
     .root_set_count = 364, .exclusion_count = 368, .heap_sections = 92624,
     .heap_section_count = 240, .mark_state = 216, .descriptors = 400, .descriptor_count = 392,
     .links = 264, .finalizers = 312, .finalizer_log = 328, .finalizer_count = 256,
     .finalize_now = 320, .kind_bytes = 48},
    {"8.2.2 to 8.2.6, threads",
     .bytes = 182768, .large_free = 24, .all_nils = 192, .top_index = 166384,
     .valid_offsets = 23016, .normal_lists = 1464, .atomic_lists = 2496, .root_sets = 92656,
     .root_set_bytes = 65536, .root_hash = 952, .exclusions = 158192, .exclusion_bytes = 8192,
     .root_set_count = 380, .exclusion_count = 384, .heap_sections = 92648,
     .heap_section_count = 256, .mark_state = 232, .descriptors = 424, .descriptor_count = 416,
     .links = 280, .finalizers = 328, .finalizer_log = 344, .finalizer_count = 272,
     .finalize_now = 336, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.2 to 8.2.6, threads, LARGE_CONFIG",
     .bytes = 862704, .large_free = 24, .all_nils = 192, .top_index = 846320,
     .valid_offsets = 23016, .normal_lists = 1464, .atomic_lists = 2496, .root_sets = 551408,
     .root_set_bytes = 262144, .root_hash = 952, .exclusions = 813552, .exclusion_bytes = 32768,
     .root_set_count = 380, .exclusion_count = 384, .heap_sections = 551400,
     .heap_section_count = 256, .mark_state = 232, .descriptors = 424, .descriptor_count = 416,
     .links = 280, .finalizers = 328, .finalizer_log = 344, .finalizer_count = 272,
     .finalize_now = 336, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.2, threads, a mark bit per object",
     .bytes = 181736, .large_free = 24, .all_nils = 192, .top_index = 165352,
     .valid_offsets = 21984, .normal_lists = 1464, .atomic_lists = 2496, .root_sets = 91624,
     .root_set_bytes = 65536, .root_hash = 952, .exclusions = 157160, .exclusion_bytes = 8192,
     .root_set_count = 380, .exclusion_count = 384, .heap_sections = 91616,
     .heap_section_count = 256, .mark_state = 232, .descriptors = 424, .descriptor_count = 416,
     .links = 280, .finalizers = 328, .finalizer_log = 344, .finalizer_count = 272,
     .finalize_now = 336, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.8 to 8.2.12, no threads",
     .bytes = 182752, .large_free = 24, .all_nils = 192, .top_index = 166368,
     .valid_offsets = 23000, .normal_lists = 1448, .atomic_lists = 2480, .root_sets = 92640,
     .root_set_bytes = 65536, .root_hash = 936, .exclusions = 158176, .exclusion_bytes = 8192,
     .root_set_count = 372, .exclusion_count = 376, .heap_sections = 92632,
     .heap_section_count = 248, .mark_state = 216, .descriptors = 408, .descriptor_count = 400,
     .links = 272, .finalizers = 320, .finalizer_log = 336, .finalizer_count = 264,
     .finalize_now = 328, .kind_bytes = 48},
    {"8.2.8, threads",
     .bytes = 182776, .large_free = 24, .all_nils = 192, .top_index = 166392,
     .valid_offsets = 23024, .normal_lists = 1472, .atomic_lists = 2504, .root_sets = 92664,
     .root_set_bytes = 65536, .root_hash = 960, .exclusions = 158200, .exclusion_bytes = 8192,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 92656,
     .heap_section_count = 264, .mark_state = 232, .descriptors = 432, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.8, threads, LARGE_CONFIG",
     .bytes = 862712, .large_free = 24, .all_nils = 192, .top_index = 846328,
     .valid_offsets = 23024, .normal_lists = 1472, .atomic_lists = 2504, .root_sets = 551416,
     .root_set_bytes = 262144, .root_hash = 960, .exclusions = 813560, .exclusion_bytes = 32768,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 551408,
     .heap_section_count = 264, .mark_state = 232, .descriptors = 432, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.10 to 8.2.12, threads",
     .bytes = 182784, .large_free = 24, .all_nils = 192, .top_index = 166400,
     .valid_offsets = 23032, .normal_lists = 1480, .atomic_lists = 2512, .root_sets = 92672,
     .root_set_bytes = 65536, .root_hash = 968, .exclusions = 158208, .exclusion_bytes = 8192,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 92664,
     .heap_section_count = 264, .mark_state = 232, .descriptors = 440, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
    {"8.2.10 to 8.2.12, threads, LARGE_CONFIG",
     .bytes = 862720, .large_free = 24, .all_nils = 192, .top_index = 846336,
     .valid_offsets = 23032, .normal_lists = 1480, .atomic_lists = 2512, .root_sets = 551424,
     .root_set_bytes = 262144, .root_hash = 968, .exclusions = 813568, .exclusion_bytes = 32768,
     .root_set_count = 388, .exclusion_count = 392, .heap_sections = 551416,
     .heap_section_count = 264, .mark_state = 232, .descriptors = 440, .descriptor_count = 424,
     .links = 288, .finalizers = 336, .finalizer_log = 352, .finalizer_count = 280,
     .finalize_now = 344, .kind_bytes = 48, .thread_bytes = 904, .thread_flags = 40,
     .thread_blocked = 41, .thread_stack_pointer = 32, .thread_stack_end = 48, .thread_lists = 104,
     .thread_list_bytes = 800},
};
// clang-format on

const BoehmLayout *boehm_layout(uint32_t index)
{
    return index < sizeof layouts / sizeof layouts[0] ? &layouts[index] : NULL;
}
