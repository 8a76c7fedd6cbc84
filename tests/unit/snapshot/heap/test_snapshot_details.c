// SnapshotDetails: made empty, freed with all they own, searched by type word.

#include "snapshot/heap/snapshot_details.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(snapshot_details, new_ones_are_empty_and_complete)
{
    SnapshotDetails *details = snapshot_details_new();

    cr_assert_not_null(details);
    cr_expect(details->metadata.is_complete);
    cr_expect_eq(details->thread_count + details->module_count + details->type_count +
                     details->mapping_count,
                 0u);
    cr_expect_null(snapshot_details_find_type(details, 0));
    snapshot_details_free(details);
}

Test(snapshot_details, freeing_nothing_is_allowed)
{
    snapshot_details_free(NULL);
}

Test(snapshot_details, freeing_takes_half_filled_records)
{
    SnapshotDetails *details = snapshot_details_new();

    cr_assert_not_null(details);
    details->module_count = 2;
    details->modules = calloc(2, sizeof *details->modules);
    details->modules[0].name = strdup("a");
    details->type_count = 2;
    details->types = calloc(2, sizeof *details->types);
    details->types[1].symbol_count = 1;
    details->types[1].symbols = calloc(1, sizeof(char *));
    details->mapping_count = 1;
    details->mappings = calloc(1, sizeof *details->mappings);
    snapshot_details_free(details); // a leak or a wild free is a sanitizer's to tell
}

Test(snapshot_details, types_are_found_by_their_word_at_either_end_and_between)
{
    SnapshotDetails details = {0};
    SnapshotType types[5] = {{0}};

    for (unsigned i = 0; i < 5; i++)
        types[i].type_word = 10 + 10 * (uint64_t)i;
    details.types = types;
    for (details.type_count = 0; details.type_count <= 5; details.type_count++)
        for (uint64_t word = 0; word < 70; word++) {
            const SnapshotType *expected = NULL;
            for (uint32_t i = 0; i < details.type_count; i++)
                if (types[i].type_word == word)
                    expected = &types[i];
            cr_expect_eq(snapshot_details_find_type(&details, word), expected, "word %u among %u",
                         (unsigned)word, details.type_count);
        }
}

Test(snapshot_details, foreign_modes_have_the_names_of_the_command_line)
{
    cr_expect_str_eq(foreign_mode_name(FOREIGN_BLOCKS), "blocks");
    cr_expect_str_eq(foreign_mode_name(FOREIGN_ROOTS), "roots");
    cr_expect_str_eq(foreign_mode_name(FOREIGN_NONE), "none");
    cr_expect_str_eq(foreign_mode_name((ForeignMode)77), "unknown");
}

Test(snapshot_details, a_share_of_foreign_roots_is_reported_from_five_percent_on)
{
    SnapshotMetadata metadata = {.outside_bytes = 1000 << 20, .foreign_root_bytes = 610 << 20};

    cr_expect_not(snapshot_metadata_has_foreign_share(&metadata), "it was not measured");
    cr_expect_eq(snapshot_metadata_foreign_percent(&metadata), 0);
    metadata.roots_measured = true;
    cr_expect(snapshot_metadata_has_foreign_share(&metadata));
    cr_expect_eq(snapshot_metadata_foreign_percent(&metadata), 61);
    metadata.foreign_root_bytes = 50 << 20;
    cr_expect_not(snapshot_metadata_has_foreign_share(&metadata));
    metadata.foreign_root_bytes = 51 << 20;
    cr_expect(snapshot_metadata_has_foreign_share(&metadata));
    metadata.outside_bytes = metadata.foreign_root_bytes = 100 << 10;
    cr_expect_not(snapshot_metadata_has_foreign_share(&metadata), "every process has as much");
    metadata = (SnapshotMetadata){.roots_measured = true};
    cr_expect_not(snapshot_metadata_has_foreign_share(&metadata), "there is no memory");
}

Test(snapshot_details, shares_of_hostile_numbers_do_not_overflow)
{
    SnapshotMetadata metadata = {.roots_measured = true, .outside_bytes = 1};

    metadata.foreign_root_bytes = UINT64_MAX;
    cr_expect_eq(snapshot_metadata_foreign_percent(&metadata), 100);
    metadata.outside_bytes = UINT64_MAX;
    metadata.foreign_root_bytes = UINT64_MAX / 2;
    cr_expect_eq(snapshot_metadata_foreign_percent(&metadata), 50);
}
