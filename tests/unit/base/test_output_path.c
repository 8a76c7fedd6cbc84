// Where the paths of output files lead, before they are opened.

#include "base/output_path.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/snapshot_streams.h"

Test(output_path, a_file_is_hit_by_its_names_and_its_descriptors)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst"), *link = test_folder_file(&folder, "link");
    char name[32];
    int descriptor;

    cr_expect_not(output_path_hits(path, path), "a file that is not there cannot be hit");
    write_bytes(path, "heap", 4);
    cr_assert_eq(symlink("heap.zst", link), 0);
    cr_expect(output_path_hits(path, path));
    cr_expect(output_path_hits(link, path));
    cr_expect_not(output_path_hits("/dev/null", path));
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", descriptor);
    cr_expect(output_path_hits(name, path));
    cr_expect(output_paths_collide(name, link));
    cr_expect(output_path_is_stream(name, descriptor));
    cr_expect_not(output_path_is_stream(path, descriptor), "it would be replaced");
    (void)close(descriptor);
    free(link);
    free(path);
    test_folder_free(&folder);
}

Test(output_path, results_collide_in_files_and_in_streams)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "a"), *same = NULL,
         *other = test_folder_file(&folder, "b");

    cr_assert_geq(asprintf(&same, "%s/./a", folder.path), 0);
    cr_expect(output_paths_collide(path, same), "a new file");
    cr_expect_not(output_paths_collide(path, other));
    cr_expect(output_paths_collide("-", "/dev/stdout"));
    cr_expect(output_paths_collide("/dev/fd/1", "/proc/self/fd/1"));
    cr_expect_not(output_paths_collide("/dev/null", "/dev/null"));
    free(other);
    free(same);
    free(path);
    test_folder_free(&folder);
}

Test(output_path, a_file_grows_in_the_folder_that_its_links_lead_to)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "new"), *found = output_path_folder(path);

    cr_expect_str_eq(found, folder.path);
    free(found);
    cr_expect_null(output_path_folder("-"));
    cr_expect_null(output_path_folder("/dev/null"));
    free(path);
    test_folder_free(&folder);
}
