# The page of a report (formats/html/html_report.h), put together from its sources here and from
# d3-hierarchy, which lays out its charts, and built into the library. No third-party code is in this
# folder: D3_HIERARCHY and D3_LICENCE name the files of the installed package.

PAGE_SOURCES := formats/html/page.html formats/html/page.css $(sort $(wildcard formats/html/script/*.js))

$(BUILD)/page/tail.html: formats/html/assemble_page.sh $(PAGE_SOURCES) $(D3_HIERARCHY) $(D3_LICENCE)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  PAGE   $@")
	$(Q)D3_HIERARCHY="$(D3_HIERARCHY)" D3_LICENCE="$(D3_LICENCE)" formats/html/assemble_page.sh $(@D) $(PAGE_SOURCES)

PAGE_OBJECTS := $(BUILD)/formats/html/page_file.o $(BUILD)/counted/formats/html/page_file.o
$(PAGE_OBJECTS): $(BUILD)/page/tail.html
$(PAGE_OBJECTS): ALL_CFLAGS += -DPAGE_FOLDER='"$(BUILD)/page"'
