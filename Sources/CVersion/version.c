#include "version.h"

// A token of the command line as a text, so that it needs no quotes there.
#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

const char *godwit_commit(void) { return TEXT(GODWIT_COMMIT); }
