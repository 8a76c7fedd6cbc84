# The program as other compilers and options make it, for tests/cli/determinism.sh: only the rooms
# that decide a schedule are compiled again, the rest is that of the variant.

DETERMINISM_BUILDS := O0 O1 O3 native clang clang-O0 ubsan asan
FLAGS_of_O0 := -O0 -U_FORTIFY_SOURCE
FLAGS_of_O1 := -O1
FLAGS_of_O3 := -O3
FLAGS_of_native := -O2 -march=native
FLAGS_of_clang := -O2
FLAGS_of_clang-O0 := -O0 -U_FORTIFY_SOURCE
FLAGS_of_ubsan := -O1 -fsanitize=undefined -fno-sanitize-recover=undefined
FLAGS_of_asan := -O1 -U_FORTIFY_SOURCE -fsanitize=address -fno-omit-frame-pointer
COMPILER_of_clang := clang
COMPILER_of_clang-O0 := clang
DETERMINISM_SOURCES := $(wildcard snapshot/heap/*.c marker/*.c marker/schedule/*.c analysis/replay/*.c)
DETERMINISM_PROGRAMS := $(DETERMINISM_BUILDS:%=$(BUILD)/determinism/%/rudo-snap)

# determinism_build NAME
define determinism_build
$(BUILD)/determinism/$(1)/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  CC     $$< ($(1))")
	$(Q)$(or $(COMPILER_of_$(1)),$(CC)) $(ALL_CFLAGS) -g0 $(FLAGS_of_$(1)) -Wno-error -w -c $$< -o $$@

$(BUILD)/determinism/$(1)/rudo-snap: $(DETERMINISM_SOURCES:%.c=$(BUILD)/determinism/$(1)/%.o) $(CLI_OBJECTS) $(LIBRARY)
	$(if $(Q),@echo "  LINK   $$@")
	$(Q)$(or $(COMPILER_of_$(1)),$(CC)) $(ALL_LDFLAGS) $(FLAGS_of_$(1)) $$^ $(PACKAGE_LIBS) -o $$@

-include $(DETERMINISM_SOURCES:%.c=$(BUILD)/determinism/$(1)/%.d)
endef
$(foreach build,$(DETERMINISM_BUILDS),$(eval $(call determinism_build,$(build))))

## determinism: schedules and virtual times are the same from every compiler, option and address
# What cannot be built (no clang, say) is reported as skipped.
.PHONY: determinism
determinism: $(PROGRAM) $(CLI_HELPERS)
	$(Q)$(MAKE) -k $(DETERMINISM_PROGRAMS) || true
	$(Q)DETERMINISM_PROGRAMS="$(foreach build,$(DETERMINISM_BUILDS),$(build)=$(BUILD)/determinism/$(build)/rudo-snap)" \
		tests/run_tests.sh -b $(BUILD) -r build/determinism -l determinism $(RUN_FLAGS) tests/cli/determinism.sh
