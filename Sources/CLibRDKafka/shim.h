#include <librdkafka/rdkafka.h>
/* Swift's Glibc module leaves it out. */
#include <malloc.h>
