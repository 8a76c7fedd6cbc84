# librudo-snap-capture: what a program links to capture itself (embed/rudo_snap.h). It consists of
# embed/ and of what that needs of snapshot/, compiled for shared libraries, with nothing but the
# public names visible, in the archive too.

EMBED_SOURCES := $(sort $(wildcard embed/*.c))
EMBED_OBJECTS := $(EMBED_SOURCES:%.c=$(BUILD)/pic/%.o)
# What of snapshot/ it may need: whoever writes sections, frames and files. Linking says when something
# is missing here, and leaves out what nobody calls.
EMBED_POOL_SOURCES := $(sort $(wildcard base/array.c base/byte_buffer.c base/checksum.c base/clean_text.c \
	base/error.c snapshot/heap/heap_layout.c base/json_object.c snapshot/heap/layout_file.c \
	base/output_file.c snapshot/file/page_pieces.c base/parallel_for.c \
	snapshot/heap/page_record.c snapshot/heap/pause_certificate.c snapshot/file/redaction.c snapshot/file/root_order.c \
	snapshot/file/sections/*.c snapshot/file/frames/seekable_writer.c \
	snapshot/heap/snapshot_details.c \
	snapshot/file/snapshot_write.c))
EMBED_POOL_OBJECTS := $(EMBED_POOL_SOURCES:%.c=$(BUILD)/pic/%.o)
EMBED_POOL := $(BUILD)/pic/snapshot.a
EMBED_WHOLE := $(BUILD)/pic/rudo-snap-capture.o
EMBED_ARCHIVE := $(BUILD)/librudo-snap-capture.a
EMBED_SONAME := librudo-snap-capture.so.0
EMBED_SHARED := $(BUILD)/$(EMBED_SONAME)
EMBED_LIBS := $(shell $(PKG_CONFIG) --libs libzstd libcjson libxxhash 2>/dev/null) -pthread
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
# The same in every variant: it is other people's programs that it becomes a part of.
EMBED_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP -pthread $(WARNINGS) $(WERROR) \
	-fstack-protector-strong -fPIC -fvisibility=hidden $(FLAGS_release) $(PACKAGE_CFLAGS) $(CFLAGS)

$(BUILD)/pic/%.o: %.c $(BUILD)/compile-command
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC     $< (for the library)")
	$(Q)$(CC) $(EMBED_CFLAGS) -c $< -o $@

$(EMBED_POOL): $(EMBED_POOL_OBJECTS)
	$(Q)rm -f $@ && ar rcs $@ $^

# One object with what is needed, in which the public names alone are global.
$(EMBED_WHOLE): $(EMBED_OBJECTS) $(EMBED_POOL) embed/exports.map
	$(Q)$(CC) -r -nostdlib $(EMBED_OBJECTS) $(EMBED_POOL) -o $@.all
	$(Q)$(OBJCOPY) $(patsubst %;,--keep-global-symbol=%,$(filter rudo_snap_%,$(shell cat embed/exports.map))) $@.all $@

$(EMBED_ARCHIVE): $(EMBED_WHOLE)
	$(if $(Q),@echo "  AR     $@")
	$(Q)rm -f $@ && ar rcs $@ $<

$(EMBED_SHARED): $(EMBED_WHOLE) embed/exports.map
	$(if $(Q),@echo "  LINK   $@")
	$(Q)$(CC) -shared -pthread -Wl,-z,relro,-z,now -Wl,-soname,$(EMBED_SONAME) \
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
