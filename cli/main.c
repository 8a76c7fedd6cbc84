// rudo-snap: entry point. The table of commands and what they share is in cli/command.h.

#include <stdio.h>

int main(void)
{
    return fputs("", stdout) == EOF ? 4 : 0;
}
