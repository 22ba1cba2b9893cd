/* countersign-debug: the program, with one more option in front of the command,
 * --without=memory,shed or --without=all, that leaves short cuts out. The program itself does
 * not know the option. */
#include "without.h"

int countersign_main(int argc, char **argv);

#define main countersign_main
#include "cmd/main.c"
#undef main

int main(int argc, char **argv)
{
    static const char option[] = "--without=";

    if (argc > 1 && strncmp(argv[1], option, sizeof(option) - 1) == 0) {
        if (without_parse(argv[1] + sizeof(option) - 1) < 0) {
            fprintf(stderr, "countersign-debug: there is no such short cut in \"%s\"\n", argv[1]);
            return CS_EXIT_USAGE;
        }
        argv[1] = argv[0];
        argv++;
        argc--;
    }
    return countersign_main(argc, argv);
}
