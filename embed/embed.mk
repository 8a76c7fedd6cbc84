# librudo-snap-capture: what a program links to capture itself (embed/rudo_snap.h). It consists of
# embed/ and of the files of base/ and snapshot/ that it calls, compiled for shared libraries, with
# nothing but the public names visible, in the archive too.
#
# It becomes a part of other people's programs, so it is built the same way for every variant, once,
# in $(SHARED): without sanitizers, and by the compiler of the release variant.

SHARED := build/shared
SHARED_CC := $(if $(or $(filter file,$(origin CC)),$(filter clang fuzz,$(VARIANT))),cc,$(CC))
ifeq ($(VARIANT),aarch64)
SHARED := $(BUILD)/shared
SHARED_CC := $(CC)
endif

EMBED_SOURCES := $(sort $(wildcard embed/*.c))
EMBED_OBJECTS := $(EMBED_SOURCES:%.c=$(SHARED)/pic/%.o)
# Files that it may need. Linking names what is missing here, and leaves out what is not called.
EMBED_POOL_SOURCES := $(sort $(wildcard base/array.c base/byte_buffer.c base/checksum.c base/interval_index.c base/text_ranks.c \
	base/clean_text.c base/machine/control_groups.c base/machine/cpu_count.c base/error.c base/json_object.c base/output_file.c base/output_target.c base/parallel_for.c base/text_file.c \
	base/utf8.c \
	snapshot/heap/heap_layout.c snapshot/heap/layout_file.c snapshot/heap/page_header_check.c snapshot/heap/page_record.c \
	snapshot/heap/pause_certificate.c snapshot/heap/root.c snapshot/heap/rudo_gc_layouts.c \
	snapshot/heap/snapshot_details.c snapshot/heap/snapshot_lookup.c snapshot/heap/snapshot_machine.c snapshot/heap/data_types.c \
	snapshot/file/page_pieces.c snapshot/file/redaction.c snapshot/file/root_order.c \
	snapshot/file/snapshot_write.c snapshot/file/sections/*.c \
	snapshot/file/frames/seekable_writer.c))
EMBED_POOL_OBJECTS := $(EMBED_POOL_SOURCES:%.c=$(SHARED)/pic/%.o)
EMBED_POOL := $(SHARED)/pic/snapshot.a
EMBED_WHOLE := $(SHARED)/pic/rudo-snap-capture.o
EMBED_ARCHIVE := $(SHARED)/librudo-snap-capture.a
EMBED_SONAME := librudo-snap-capture.so.0
EMBED_SHARED := $(SHARED)/$(EMBED_SONAME)
EMBED_LIBS := $(shell $(PKG_CONFIG) --libs libzstd libcjson libxxhash 2>/dev/null) -pthread
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
EMBED_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP -pthread $(WARNINGS) $(WERROR) \
	-fstack-protector-strong -fPIC -fvisibility=hidden $(FLAGS_release) $(PACKAGE_CFLAGS) $(CFLAGS)

# Rewritten only when it changes, as $(BUILD)/compile-command.
ifneq ($(filter-out $(BARE_TARGETS),$(or $(MAKECMDGOALS),all)),)
SHARED_COMMAND := $(strip $(SHARED_CC) $(EMBED_CFLAGS))
ifneq "$(strip $(file <$(SHARED)/compile-command))" "$(SHARED_COMMAND)"
$(shell mkdir -p $(SHARED))
$(file >$(SHARED)/compile-command,$(SHARED_COMMAND))
endif
endif

$(SHARED)/pic/%.o: %.c $(SHARED)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $< (for the library)")
	$(Q)$(SHARED_CC) $(EMBED_CFLAGS) -c $< -o $@

$(EMBED_POOL): $(EMBED_POOL_OBJECTS) embed/embed.mk
	$(Q)rm -f $@ && ar rcs $@ $(EMBED_POOL_OBJECTS)

# One object with what is needed, in which the public names alone are global.
$(EMBED_WHOLE): $(EMBED_OBJECTS) $(EMBED_POOL) embed/exports.map
	$(Q)$(SHARED_CC) -r -nostdlib $(EMBED_OBJECTS) $(EMBED_POOL) -o $@.all
	$(Q)$(OBJCOPY) $(patsubst %;,--keep-global-symbol=%,$(filter rudo_snap_%,$(shell cat embed/exports.map))) $@.all $@

$(EMBED_ARCHIVE): $(EMBED_WHOLE)
	$(if $(Q),@echo "  AR     $@")
	$(Q)rm -f $@ && ar rcs $@ $<

$(EMBED_SHARED): $(EMBED_WHOLE) embed/exports.map
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(SHARED_CC) -shared -pthread -Wl,-z,relro,-z,now -Wl,-soname,$(EMBED_SONAME) \
		-Wl,--version-script=embed/exports.map -Wl,-z,defs $(EMBED_WHOLE) $(EMBED_LIBS) -o $@

## embed: build librudo-snap-capture, the library for programs that capture themselves
.PHONY: embed
embed: $(EMBED_ARCHIVE) $(EMBED_SHARED)

.PHONY: install-embed
install-embed: embed
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include \
		$(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 embed/rudo_snap.h $(DESTDIR)$(PREFIX)/include/rudo_snap.h
	install -m 644 $(EMBED_ARCHIVE) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(EMBED_SHARED) $(DESTDIR)$(PREFIX)/lib/
	ln -sf $(EMBED_SONAME) $(DESTDIR)$(PREFIX)/lib/librudo-snap-capture.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' embed/rudo-snap-capture.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/rudo-snap-capture.pc
	install -m 644 docs/rudo_snap.3 $(DESTDIR)$(PREFIX)/share/man/man3/rudo_snap.3

-include $(EMBED_OBJECTS:.o=.d) $(EMBED_POOL_OBJECTS:.o=.d)
