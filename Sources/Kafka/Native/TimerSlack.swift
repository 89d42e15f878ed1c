internal import CLibRDKafka

/// How late a thread's timed waits may end.
enum TimerSlack {
    /// Threads that `body` starts, and those they start, may wake a millisecond late from waits that run out.
    ///
    /// librdkafka rounds the time to its next timer down to milliseconds and then asks the clock again and again for the
    /// rest: up to a millisecond of work per second and client, a third of what a relay at rest used. What ends a wait
    /// early, a record or an answer, is not late.
    static func tolerant<Value>(_ body: () -> Value) -> Value {
        let usual = godwit_timer_slack()
        _ = godwit_set_timer_slack(1_000_000)
        // Zero stands for the default.
        defer { _ = godwit_set_timer_slack(UInt(max(0, usual))) }
        return body()
    }
}
