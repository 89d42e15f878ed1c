#include <librdkafka/rdkafka.h>
/* Swift's Glibc module leaves it out. */
#include <malloc.h>
/* Swift cannot call functions with variable arguments. */
#include <sys/prctl.h>
static inline int godwit_set_timer_slack(unsigned long nanoseconds) {
    return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}
static inline int godwit_timer_slack(void) { return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0); }
