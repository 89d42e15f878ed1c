import Glibc

/// A serial executor that owns one thread, for actors whose work blocks in C.
///
/// Blocking calls must not run on the cooperative pool, which has one thread per core. An actor that wraps such a
/// library names a `DedicatedThread` as its executor and calls the library plainly: every job of the actor runs on
/// this thread, in order. The thread ends once the executor is released and its last job is done.
package final class DedicatedThread: SerialExecutor {
    private let queue: JobQueue<DedicatedThread>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; the kernel keeps the first 15 bytes.
    ///   - niceness: how much it gives way to other threads, 0 to 19. Threads that are started on it give way likewise.
    package init(name: String, niceness: Int32 = 0) {
        let queue = JobQueue<DedicatedThread>()
        self.queue = queue
        startThread(name: name) {
            // Linux has a niceness for each thread: 0 is the one that calls.
            if niceness > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
            while let entry = queue.next() {
                unsafe entry.job.runSynchronously(on: entry.executor.asUnownedSerialExecutor())
            }
        }
    }

    deinit {
        queue.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        // The entry holds the executor, so that a job that drops the last reference to its actor still ends on a
        // live executor.
        queue.append(JobQueue.Entry(job: UnownedJob(job), executor: self))
    }
}

/// The jobs that wait for the thread, guarded by a condition.
///
/// `@unchecked Sendable`: every access to `entries` and `closed` happens inside `condition.withLock`.
final class JobQueue<Executor: AnyObject & Sendable>: @unchecked Sendable {
    struct Entry {
        let job: UnownedJob
        let executor: Executor
    }

    private let condition = ThreadCondition()
    /// `nil` where an entry was taken.
    private var entries: [Entry?] = []
    private var head = 0
    private var closed = false

    func append(_ entry: Entry) {
        condition.withLock { entries.append(entry) }
        condition.signal()
    }

    func close() {
        condition.withLock { closed = true }
        condition.signal()
    }

    /// The next job, waiting for one; `nil` once the queue is closed and empty.
    ///
    /// The queue keeps no taken entry: the last one may release the executor, whose end closes this queue, which must not
    /// happen inside the lock.
    func next() -> Entry? {
        condition.withLock {
            while head == entries.count {
                if closed { return nil }
                entries.removeAll(keepingCapacity: true)
                head = 0
                condition.wait()
            }
            defer {
                entries[head] = nil
                head += 1
            }
            return entries[head]
        }
    }
}
