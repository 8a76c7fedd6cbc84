// The glossary: the terms that help, reports and documents use, one definition each.

#ifndef CLI_GLOSSARY_H
#define CLI_GLOSSARY_H

typedef struct GlossaryTerm {
    const char *term;       // NULL ends the table
    const char *definition; // one or two sentences
} GlossaryTerm;

// In alphabetical order. docs/glossary.md has the same text; tests/cli/glossary.sh compares them.
extern const GlossaryTerm glossary_terms[];

// The term with this name, or NULL. Letter case does not matter.
const GlossaryTerm *glossary_find(const char *term);

// Prints a term and, indented and wrapped, its definition.
void glossary_print(const GlossaryTerm *term);

#endif
