// Prints the data types of a snapshot, for tests that know the truth. A type is a line
//
//     type NAME BYTES OBJECT-BYTES
//
// and each of its fields another, with what the value has to have for the field to exist:
//
//     field OFFSET BYTES KIND NAME TYPE [-> TARGET] [length AT] [capacity AT] [head AT] [if
//     VARIANT]

#include <stdio.h>
#include <stdlib.h>

#include "snapshot/file/snapshot_file.h"

static const char *const kinds[FIELD_KIND_COUNT] = {
    "opaque", "unsigned", "signed", "float",   "bool",  "char", "code",
    "strong", "weak",     "block",  "pointer", "array", "enum",
};
static const char *const shapes[BLOCK_SHAPE_COUNT] = {"one", "many", "ring", "hash", "tree"};

static void print_offset(const char *what, uint32_t offset)
{
    if (offset != NO_DATA)
        printf(" %s %u", what, offset);
}

static void print_field(const SnapshotDetails *details, const SnapshotDataType *type,
                        const SnapshotField *field)
{
    printf("field %u %u %s%s%s %s %s", field->offset, field->bytes, kinds[field->kind],
           field->kind == FIELD_BLOCK ? "-" : "",
           field->kind == FIELD_BLOCK ? shapes[field->shape] : "",
           field->name[0] != '\0' ? field->name : "-",
           field->type_name[0] != '\0' ? field->type_name : "-");
    if (field->target != NO_DATA)
        printf(" -> %s", details->data_types[field->target].name);
    if (field->first_at != 0)
        print_offset("first", field->first_at);
    print_offset("length", field->length_at);
    print_offset("capacity", field->capacity_at);
    print_offset("head", field->head_at);
    if (field->variant != NO_DATA)
        printf(" if %s", type->variants[field->variant].name);
    printf("%s%s\n", field->is_text ? " text" : "", field->is_shared ? " shared" : "");
}

int main(int argc, char **argv)
{
    HeapImage *image = NULL;
    Error error;

    if (argc != 2)
        return 2;
    if (!snapshot_read(argv[1], NULL, &image, &error)) {
        fprintf(stderr, "print_fields: %s\n", error.message);
        return 3;
    }
    for (uint32_t i = 0; i < image->details->data_type_count; i++) {
        const SnapshotDataType *type = &image->details->data_types[i];

        printf("type %s %llu %llu%s\n", type->name, (unsigned long long)type->bytes,
               (unsigned long long)type->object_bytes, type->is_partial ? " partial" : "");
        for (uint32_t f = 0; f < type->field_count; f++)
            print_field(image->details, type, &type->fields[f]);
    }
    heap_image_free(image);
    return 0;
}
