import Glibc

/// A mutex with a condition variable, for threads that may block.
///
/// `Synchronization.Mutex` has no way to wait for a change of what it guards; a dedicated thread needs one. Never use
/// it from a task.
///
/// `@unchecked Sendable`: pthread mutexes and conditions are made to be shared between threads.
@safe package final class ThreadCondition: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        // Deadlines count on the monotonic clock: a change of the wall clock must not stretch a wait.
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    package func withLock<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Waits for a signal. Call it inside `withLock`, in a loop that checks what is waited for.
    package func wait() {
        unsafe pthread_cond_wait(condition, mutex)
    }

    /// Waits for a signal, but not past the deadline; `false` when the deadline came first.
    package func wait(until deadline: ContinuousClock.Instant) -> Bool {
        let remaining = max(.zero, ContinuousClock.now.duration(to: deadline))
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = remaining.components
        let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        return unsafe pthread_cond_timedwait(condition, mutex, &time) == 0
    }

    package func signal() {
        unsafe pthread_cond_broadcast(condition)
    }
}
