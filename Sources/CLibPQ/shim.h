#include <libpq-fe.h>
/* Swift's Glibc module leaves it out; a wait on a connection's socket needs it to be woken. */
#include <sys/eventfd.h>
